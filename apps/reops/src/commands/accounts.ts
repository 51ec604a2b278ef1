import type { Account, ProviderKind, PutAccount } from '@re-ops/protocols'
import { inputOf } from '../arguments/input.ts'
import { wholeNumber } from '../arguments/labels.ts'
import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { table } from '../render/table.ts'
import { ago } from '../render/units.ts'

type Options = { readonly json?: boolean }

const show = ({ terminal, now }: Context, accounts: readonly Account[], { json }: Options): number => {
  if (json === true) {
    printJson(terminal, accounts)
    return 0
  }
  if (accounts.length === 0) {
    terminal.error('no accounts; local machines need none. For EC2: reops accounts set --help')
    return 0
  }
  terminal.out(
    table(
      ['ACCOUNT', 'PROVIDER', 'REGIONS', 'SECRET', 'LIMIT', 'ID', 'VERIFIED', 'PROBLEM'],
      accounts.map(one => [
        one.name,
        one.provider,
        one.regions.join(' '),
        one.secret ?? '-',
        one.maxSystems === null ? '-' : String(one.maxSystems),
        one.providerId ?? '',
        one.verifiedAt === null ? '' : ago(one.verifiedAt, now()),
        one.problem ?? '',
      ]),
      {
        paint: terminal.paint,
        width: terminal.columns,
        whole: ['SECRET'],
        colour: at => (accounts[at]?.problem ? terminal.paint.bad : text => text),
      },
    ),
  )
  return 0
}

/** What is newer there than our rows stands below; `local` has no row of its own and can be frozen all the same. */
export const listAccounts = async (context: Context, options: Options): Promise<number> => {
  const { core } = await context.client()
  const code = show(context, await core.accounts(), options)
  for (const { account, since, evidence } of await core.freezes()) {
    const why = evidence.slice(0, 5).map(one => `  ${one.ref}: ${one.text}\n`)
    const text = `account ${account} is frozen since ${since}: nothing is ended by itself there\n${why.join('')}`
    context.terminal.error(context.terminal.paint.bad(text.trimEnd()))
  }
  return code
}

export type SetAccountOptions = Options & {
  readonly provider?: string
  readonly region?: readonly string[]
  readonly secret?: string
  readonly maxSystems?: string
}

const maxSystemsOf = (text: string | undefined, before: Account | undefined): number | null => {
  if (text === undefined) return before?.maxSystems ?? null
  return text === 'none' ? null : wholeNumber(text, '--max-systems', 0, 10_000)
}

/** What is not given stays as it is when the account exists. */
export const setAccount = async (
  context: Context,
  [name = '', ...settings]: readonly string[],
  options: SetAccountOptions,
): Promise<number> => {
  const { core } = await context.client()
  const before = (await core.accounts()).find(one => one.name === name)
  const provider = options.provider ?? before?.provider
  if (provider === undefined) throw usage(`whose account is ${name}? give --provider`)
  const regions = options.region?.flatMap(text => text.split(',')) ?? before?.regions
  if (regions === undefined) throw usage('in which regions? give --region (the first is the default)')
  const secret = options.secret ?? before?.secret ?? undefined
  const body: PutAccount = {
    provider: provider as ProviderKind,
    regions,
    ...(secret === undefined ? {} : { secret }),
    maxSystems: maxSystemsOf(options.maxSystems, before),
    settings: { ...before?.settings, ...inputOf('account', {}, settings) },
  }
  return show(context, [await core.putAccount(name, body)], options)
}

export const verifyAccount = async (context: Context, name: string, options: Options): Promise<number> =>
  show(context, [await (await context.client()).core.verifyAccount(name)], options)

export const removeAccount = async (
  context: Context,
  name: string,
  options: Options & { readonly yes?: boolean },
): Promise<number> => {
  const { core } = await context.client()
  await core.account(name)
  await confirm(context, { verb: 'remove', noun: 'account', names: [name], yes: options.yes === true })
  return show(context, [await core.removeAccount(name)], options)
}

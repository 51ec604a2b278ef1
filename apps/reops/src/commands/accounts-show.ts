import type { AccountUsage, Quota } from '@re-ops/protocols'
import { printJson, type Context } from '../context.ts'
import { ago } from '../render/units.ts'

const quotaText = ({ name, used, limit }: Quota): string => `${name} ${used === null ? '' : `${used} of `}${limit}`

const linesOf = ({ account, ...usage }: AccountUsage, now: number): [string, string | null][] => {
  const { maxSystems, parked, problem } = account
  const { frozen, notices, quotas, limits } = usage
  const evidence = frozen?.evidence.map(one => `${one.ref}: ${one.text}`) ?? []
  return [
    ['provider', `${account.provider}${account.providerId === null ? '' : ` · ${account.providerId}`}`],
    ['secret', account.secret],
    ['verified', account.verifiedAt === null ? 'never' : ago(account.verifiedAt, now)],
    ['systems', `${usage.systems}${maxSystems === null ? ', no limit of ours' : ` of ${maxSystems}`}`],
    ['regions', usage.regions.map(one => `${one.region} ${one.systems}`).join(' · ')],
    ['quotas', quotas.length > 0 ? quotas.map(quotaText).join(' · ') : `not known: ${usage.quotaNote ?? 'none told'}`],
    ['calls', limits.map(one => `${one.family} ${one.perSecond}/s, ${one.burst} at once`).join(' · ') || null],
    ['parked', parked === null ? null : `${parked.what} since ${parked.since}, tried again at ${parked.until}`],
    ['why', problem],
    ['frozen', frozen === null ? null : `since ${frozen.since}: nothing is ended by itself`],
    ...evidence.slice(0, 5).map((text): [string, string] => ['', text]),
    ...notices.map(({ at, kind, text }, n): [string, string] => [
      n === 0 ? 'notices' : '',
      `${ago(at, now)} ${kind}: ${text}`,
    ]),
  ]
}

/** All about accounts: what they have and may have, and what is wrong with them. */
export const showAccount = async (
  { client, terminal, now }: Context,
  name: string,
  { json }: { readonly json?: boolean },
): Promise<number> => {
  const usage = await (await client()).core.accountUsage(name)
  if (json === true) printJson(terminal, usage)
  else {
    const lines = linesOf(usage, now()).filter((line): line is [string, string] => line[1] !== null)
    terminal.out(
      `${terminal.paint.bold(name)}\n${lines.map(([key, text]) => `  ${key.padEnd(10)} ${text}\n`).join('')}`,
    )
  }
  return 0
}

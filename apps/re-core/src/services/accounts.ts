import { fieldErrors, ProviderError, type Account, type AccountInfo, type PutAccount } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { Compile } from 'typebox/compile'
import type { Driver } from '../providers/driver.ts'
import { openOnce } from '../providers/opener.ts'
import { accountByName, deleteAccount, listAccounts, putAccount, regionsInUse } from '../store/accounts.ts'
import { wakeAccount } from '../store/parked.ts'
import type { ServiceDeps } from './deps.ts'

const refuse = (status: number, kind: string, title: string, detail: string): never => {
  throw new HttpProblem(status, kind, title, detail)
}

export const getAccounts = ({ pool }: ServiceDeps): Promise<Account[]> => listAccounts(pool)

export const getAccount = async ({ pool }: ServiceDeps, name: string): Promise<Account> =>
  (await accountByName(pool, name)) ??
  refuse(404, 'no-such-account', 'No such account', `no account has the name ${name}; GET /v1/accounts lists them`)

const driverFor = ({ opener: { drivers } }: ServiceDeps, { provider }: PutAccount): Driver => {
  const driver = drivers.get(provider)
  if (driver !== undefined && driver.account !== null) return driver
  const allowed = [...drivers.values()].filter(one => one.account !== null).map(one => one.kind)
  return refuse(
    422,
    'no-accounts',
    'No accounts here',
    `provider is ${provider}; allowed with accounts: ${allowed.join(', ')}`,
  )
}

const checkSettings = ({ account }: Driver, body: PutAccount): void => {
  if (account === null) return
  const settings = body.settings ?? {}
  const compiled = Compile(account.settings)
  if (!compiled.Check(settings)) {
    const [first] = fieldErrors(account.settings, compiled.Errors(settings))
    refuse(
      422,
      'bad-settings',
      'Settings do not fit the provider',
      `settings${first?.path ?? ''} ${first?.message ?? 'do not fit'}`,
    )
  }
  if (account.secret === 'required' && body.secret === undefined)
    refuse(422, 'no-secret', 'A secret is needed', `secret is not given; allowed: secret:name, file:path, env:NAME`)
  if (/^file:(?!\/)/.test(body.secret ?? ''))
    refuse(
      422,
      'bad-secret',
      'Which file?',
      `secret is ${body.secret ?? ''}; allowed: an absolute path at re-core, as file:/etc/re-ops/${body.provider}`,
    )
  if (account.secret === 'none' && body.secret !== undefined)
    refuse(422, 'no-secret-here', 'No secret is needed', `secret is given; provider ${body.provider} takes none`)
  if (account.oneRegion === true && body.regions.length > 1)
    refuse(
      422,
      'one-region',
      'It has one region',
      `regions is ${body.regions.join(', ')}; allowed of provider ${body.provider}: one`,
    )
}

const verifyMs = 15_000
/** Asks each region; the provider's refusal is the answer, and nothing is saved. */
const verified = async ({ opener }: ServiceDeps, account: Account): Promise<AccountInfo> => {
  const infos: AccountInfo[] = []
  for (const region of account.regions) {
    const place = { provider: account.provider, account: account.name, region }
    try {
      infos.push(await (await openOnce(opener, account, place)).verifyCredentials(AbortSignal.timeout(verifyMs)))
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      refuse(422, 'account-refused', 'The account cannot be used', `region ${region}: ${error.message}`)
    }
  }
  return infos[0] ?? { id: 'unknown', name: null }
}

/** Tried before it is saved. An account that has machines stays with its provider and their regions. */
export const saveAccount = async (deps: ServiceDeps, name: string, body: PutAccount): Promise<Account> => {
  checkSettings(driverFor(deps, body), body)
  const before = await accountByName(deps.pool, name)
  if (before !== null && before.provider !== body.provider)
    refuse(
      409,
      'other-provider',
      'The account is of another provider',
      `${name} is of provider ${before.provider}; choose another name`,
    )
  const used = await regionsInUse(deps.pool, name)
  const missing = used.filter(region => !body.regions.includes(region))
  if (missing.length > 0)
    refuse(
      409,
      'in-use',
      'A region has systems',
      `regions lacks ${missing.join(', ')}, where ${name} has systems; destroy them first`,
    )
  const account: Account = {
    name,
    provider: body.provider,
    regions: body.regions,
    secret: body.secret ?? null,
    settings: body.settings ?? {},
    maxSystems: body.maxSystems ?? null,
    providerId: null,
    verifiedAt: new Date(deps.now()).toISOString(),
    problem: null,
    parked: null,
  }
  const saved = { ...account, providerId: (await verified(deps, account)).id }
  await putAccount(deps.pool, saved, deps.now())
  await wakeAccount(deps.pool, name)
  return saved
}

/** Tries the credentials again, as they are now. */
export const verifyAccount = async (deps: ServiceDeps, name: string): Promise<Account> => {
  const account = await getAccount(deps, name)
  const { id } = await verified(deps, account)
  const saved = {
    ...account,
    providerId: id,
    verifiedAt: new Date(deps.now()).toISOString(),
    problem: null,
    parked: null,
  }
  await putAccount(deps.pool, saved, deps.now())
  await wakeAccount(deps.pool, name)
  return saved
}

export const removeAccount = async (deps: ServiceDeps, name: string): Promise<Account> => {
  const account = await getAccount(deps, name)
  const used = await regionsInUse(deps.pool, name)
  if (used.length > 0)
    refuse(409, 'in-use', 'The account has systems', `${name} has systems in ${used.join(', ')}; destroy them first`)
  await deleteAccount(deps.pool, name)
  return account
}

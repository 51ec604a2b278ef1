import { ProviderError, type Account, type Provider, type ProviderKind } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { Driver } from '../providers/driver.ts'
import { onlyPlace, type PlaceKey } from '../providers/place.ts'
import { listAccounts } from '../store/accounts.ts'
import type { ServiceDeps } from './deps.ts'

/** Where a person wants something; what is left out has a default where there is only one choice. */
export type Wish = {
  readonly provider?: ProviderKind | undefined
  readonly account?: string | undefined
  readonly region?: string | undefined
}

const refuse = (kind: string, title: string, detail: string): never => {
  throw new HttpProblem(422, kind, title, detail)
}

const names = (all: readonly { readonly name: string }[]): string => all.map(one => one.name).join(', ') || 'none yet'

/** The account that is named, or the only one there is. */
const accountFor = (kind: ProviderKind, name: string | undefined, all: readonly Account[]): Account => {
  const own = all.filter(one => one.provider === kind)
  const found =
    name === undefined ? own.filter((_, __, { length }) => length === 1)[0] : own.find(one => one.name === name)
  if (found !== undefined) return found
  const said = name === undefined ? 'account is not given' : `account is ${name}`
  return refuse(
    'no-such-account',
    'No such account',
    `${said}; allowed of provider ${kind}: ${names(own)} (PUT /v1/accounts/<name> makes one)`,
  )
}

/** Accounts of all providers, and the one place of those that have none. */
const everyName = (drivers: Iterable<Driver>, all: readonly Account[]): string =>
  [...all.map(one => one.name), ...[...drivers].flatMap(one => (one.account === null ? [one.kind] : []))].join(', ')

const regionFor = ({ name, regions }: Account, region: string | undefined): string => {
  if (region === undefined) return regions[0] ?? ''
  if (regions.includes(region)) return region
  return refuse(
    'no-such-region',
    'Not a region of the account',
    `region is ${region}; allowed of account ${name}: ${regions.join(', ')}`,
  )
}

/** The provider that is meant: the one that is named, the account's, else local. Throws HttpProblem 422. */
export const driverFor = (
  { opener: { drivers } }: Pick<ServiceDeps, 'opener'>,
  wish: Wish,
  accounts: readonly Account[],
): Driver => {
  const account = wish.account === undefined ? undefined : accounts.find(one => one.name === wish.account)
  const kind = wish.provider ?? account?.provider ?? 'local'
  if (wish.account !== undefined && wish.provider === undefined && account === undefined && wish.account !== kind)
    refuse(
      'no-such-account',
      'No such account',
      `account is ${wish.account}; allowed: ${everyName(drivers.values(), accounts)}`,
    )
  const driver = drivers.get(kind)
  if (driver !== undefined) return driver
  const allowed = [...drivers.keys()].join(', ')
  return refuse('provider-not-offered', 'No such provider here', `provider is ${kind}; allowed: ${allowed}`)
}

/** The place that is meant. Throws HttpProblem 422 that names what is allowed. */
export const placeFor = async (
  deps: Pick<ServiceDeps, 'opener' | 'pool'>,
  wish: Wish,
): Promise<{ driver: Driver; place: PlaceKey }> => placeAmong(deps, wish, await listAccounts(deps.pool))

export const placeAmong = (
  deps: Pick<ServiceDeps, 'opener'>,
  wish: Wish,
  accounts: readonly Account[],
): { driver: Driver; place: PlaceKey } => {
  const driver = driverFor(deps, wish, accounts)
  if (driver.account !== null) {
    const account = accountFor(driver.kind, wish.account, accounts)
    return { driver, place: { provider: driver.kind, account: account.name, region: regionFor(account, wish.region) } }
  }
  const place = onlyPlace(driver.kind)
  for (const field of ['account', 'region'] as const)
    if (wish[field] !== undefined && wish[field] !== place[field])
      refuse(
        `no-such-${field}`,
        `No such ${field}`,
        `${field} is ${wish[field]}; allowed of provider ${driver.kind}: ${place[field]}`,
      )
  return { driver, place }
}

/** Its provider, or HttpProblem 422 with what stands in the way (its secret cannot be read). */
export const openFor = async ({ open }: Pick<ServiceDeps, 'open'>, place: PlaceKey): Promise<Provider> => {
  try {
    return await open(place)
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    return refuse('account-unusable', 'The account cannot be used', error.message)
  }
}

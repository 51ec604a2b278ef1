import { createHash } from 'node:crypto'
import {
  ProviderError,
  type Account,
  type Limiter,
  type LimitSpec,
  type Provider,
  type ProviderKind,
} from '@re-ops/protocols'
import type { Driver } from './driver.ts'
import { placeName, type PlaceKey } from './place.ts'

export type OpenerDeps = {
  readonly drivers: ReadonlyMap<ProviderKind, Driver>
  readonly account: (name: string) => Promise<Account | null>
  /** The secret that a reference names; throws with the reference alone in its words. */
  readonly secret: (reference: string) => Promise<string>
  readonly limiter: (place: PlaceKey, specs: readonly LimitSpec[]) => Limiter
  readonly now: () => number
}
/** Throws ProviderError: the account is gone, its secret cannot be read, this installation has no such provider. */
export type Open = (place: PlaceKey) => Promise<Provider>

type Kept = { readonly provider: Provider; readonly version: string; checkedAt: number }
/** How long an account that was changed, or its secret, is used as it was. */
const keptMs = 30_000

const secretOf = async (deps: OpenerDeps, { name, secret }: Account): Promise<string | null> => {
  if (secret === null) return null
  try {
    return await deps.secret(secret)
  } catch (error) {
    throw new ProviderError('auth', 'not-applied', `account ${name}: ${(error as Error).message}`)
  }
}

export const driverOf = ({ drivers }: Pick<OpenerDeps, 'drivers'>, kind: ProviderKind): Driver => {
  const driver = drivers.get(kind)
  if (driver !== undefined) return driver
  const allowed = [...drivers.keys()].join(', ')
  throw new ProviderError('unsupported', 'not-applied', `provider is ${kind}; allowed here: ${allowed}`)
}

/** An account's provider in one region, without keeping it. */
export const openOnce = async (deps: OpenerDeps, account: Account, place: PlaceKey): Promise<Provider> => {
  const driver = driverOf(deps, place.provider)
  const secret = await secretOf(deps, account)
  driver.account?.checkSecret(secret)
  const { name, settings } = account
  return driver.open({
    account: { name, settings, secret },
    region: place.region,
    limiter: deps.limiter(place, driver.limits),
  })
}

const versionOf = (account: Account, secret: string | null): string =>
  createHash('sha256')
    .update(JSON.stringify([account.settings, account.secret, secret]))
    .digest('base64url')

/** Opens providers, each once per place and version of its account's secret and settings. */
export const makeOpener = (deps: OpenerDeps): Open => {
  const kept = new Map<string, Kept>()
  const openAccount = async (place: PlaceKey, known: Kept | undefined): Promise<Provider> => {
    const account = await deps.account(place.account)
    if (account === null || account.provider !== place.provider)
      throw new ProviderError(
        'auth',
        'not-applied',
        `there is no account ${place.account} of provider ${place.provider}`,
      )
    const version = versionOf(account, await secretOf(deps, account))
    const provider = known?.version === version ? known.provider : await openOnce(deps, account, place)
    kept.set(placeName(place), { provider, version, checkedAt: deps.now() })
    return provider
  }
  return async place => {
    const key = placeName(place)
    const known = kept.get(key)
    const driver = driverOf(deps, place.provider)
    if (known !== undefined && (driver.account === null || deps.now() - known.checkedAt < keptMs)) return known.provider
    if (driver.account !== null) return openAccount(place, known)
    const account = { name: place.account, settings: {}, secret: null }
    const provider = driver.open({ account, region: place.region, limiter: deps.limiter(place, driver.limits) })
    kept.set(key, { provider, version: '', checkedAt: deps.now() })
    return provider
  }
}

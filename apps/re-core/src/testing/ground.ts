import type { Account, Limiter, Provider } from '@re-ops/protocols'
import type { Driver } from '../providers/driver.ts'
import { placeName, type PlaceKey } from '../providers/place.ts'
import { noLimiter } from '../providers/plain.ts'
import { putAccount } from '../store/accounts.ts'
import type { Sql } from '../store/sql.ts'

type GroundAccount = Pick<Account, 'name' | 'regions' | 'settings'> & { readonly secret: string | null }
/** Where a world's machines are, if they are no processes of this computer: a provider and accounts of it. */
export type Ground = { readonly driver: Driver; readonly accounts: readonly GroundAccount[] }

/** Its first place, which systems are made in unless their spec says otherwise. */
export const firstPlace = ({ driver, accounts }: Ground): PlaceKey => {
  const [account] = accounts
  if (account === undefined) throw new Error('a ground without an account')
  return { provider: driver.kind, account: account.name, region: account.regions[0] ?? '' }
}

/** One provider per place, as a worker has it. */
export const openGround = (ground: Ground, limiter: (place: PlaceKey) => Limiter = () => noLimiter) => {
  const opened = new Map<string, Provider>()
  return (place: PlaceKey): Provider => {
    const key = placeName(place)
    const known = opened.get(key)
    if (known !== undefined) return known
    const account = ground.accounts.find(one => one.name === place.account)
    if (account === undefined) throw new Error(`no account ${place.account}`)
    const provider = ground.driver.open({ account, region: place.region, limiter: limiter(place) })
    opened.set(key, provider)
    return provider
  }
}

/** As `PUT /v1/accounts` leaves them; secrets stay in memory. */
export const saveAccounts = async (sql: Sql, { driver, accounts }: Ground): Promise<void> => {
  const unknown = { secret: null, maxSystems: null, providerId: null, verifiedAt: null, problem: null, parked: null }
  for (const { name, regions, settings } of accounts)
    await putAccount(sql, { ...unknown, name, regions, settings, provider: driver.kind }, Date.now())
}

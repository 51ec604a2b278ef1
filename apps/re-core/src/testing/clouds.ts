import type { Account, Provider, ProviderKind } from '@re-ops/protocols'
import type { Pool } from 'pg'
import type { Driver } from '../providers/driver.ts'
import { makeOpener, type Open, type OpenerDeps } from '../providers/opener.ts'
import { placeName, type PlaceKey } from '../providers/place.ts'
import { noLimiter } from '../providers/plain.ts'
import { accountByName, putAccount } from '../store/accounts.ts'

/** An account at a stand-in: what it is opened with, and its one region. */
export type TestAccount = {
  readonly name: string
  readonly driver: Driver
  readonly region: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly secret: string | null
}

/** Accounts as rows, their secrets beside them: what a world has other than processes of this computer. */
export const openClouds = async (
  pool: Pool,
  accounts: readonly TestAccount[],
  own: ReadonlyMap<ProviderKind, Driver>,
  limiter: OpenerDeps['limiter'] = () => noLimiter,
): Promise<{ readonly opener: OpenerDeps; readonly open: Open; readonly saved: (name: string) => Promise<void> }> => {
  const rowOf = ({ name, driver, region, settings, secret }: TestAccount): Account => ({
    name,
    provider: driver.kind,
    regions: [region],
    secret: secret === null ? null : `secret:${name}`,
    settings,
    maxSystems: null,
    providerId: null,
    verifiedAt: null,
    problem: null,
    parked: null,
  })
  const secrets = new Map(accounts.map(({ name, secret }) => [`secret:${name}`, secret ?? '']))
  for (const one of accounts) await putAccount(pool, rowOf(one), Date.now())
  const opener: OpenerDeps = {
    drivers: new Map([...own, ...accounts.map(({ driver }) => [driver.kind, driver] as const)]),
    account: name => accountByName(pool, name),
    secret: async reference => secrets.get(reference) ?? '',
    limiter,
    now: Date.now,
  }
  const saved = async (name: string): Promise<void> => {
    const account = await accountByName(pool, name)
    if (account !== null) await putAccount(pool, account, Date.now())
  }
  return { opener, open: makeOpener(opener), saved }
}

export const placeOf = ({ name, driver, region }: TestAccount): PlaceKey => ({
  provider: driver.kind,
  account: name,
  region,
})

/** The same accounts in a test's own hands, without limits. */
export const openByHand = (accounts: readonly TestAccount[]) => {
  const opened = new Map(
    accounts.map(account => {
      const { driver, region } = account
      return [placeName(placeOf(account)), driver.open({ account, region, limiter: noLimiter })] as const
    }),
  )
  return (place: PlaceKey): Provider => {
    const known = opened.get(placeName(place))
    if (known === undefined) throw new Error(`no account of this world is at ${placeName(place)}`)
    return known
  }
}

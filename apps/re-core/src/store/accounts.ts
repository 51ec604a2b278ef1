import type { Account, ParkedFor, ProviderKind } from '@re-ops/protocols'
import type { PlaceKey } from '../providers/place.ts'
import type { Sql } from './sql.ts'

type Raw = {
  name: string
  provider: ProviderKind
  regions: string[]
  secret: string | null
  settings: Record<string, unknown>
  max_systems: number | null
  provider_id: string | null
  verified_at: Date | null
  problem: string | null
  parked_for: ParkedFor | null
  parked_since: Date | null
  parked_until: Date | null
}
const accountOf = (row: Raw): Account => ({
  name: row.name,
  provider: row.provider,
  regions: row.regions,
  secret: row.secret,
  settings: row.settings,
  maxSystems: row.max_systems,
  providerId: row.provider_id,
  verifiedAt: row.verified_at?.toISOString() ?? null,
  problem: row.problem,
  parked: parkedOf(row),
})
const parkedOf = ({ parked_for, parked_since, parked_until, problem }: Raw): Account['parked'] =>
  parked_for === null || parked_since === null || parked_until === null
    ? null
    : { what: parked_for, why: problem ?? '', since: parked_since.toISOString(), until: parked_until.toISOString() }

export const listAccounts = async (sql: Sql): Promise<Account[]> =>
  (await sql.query<Raw>('select * from core.account order by name')).rows.map(accountOf)

export const accountByName = async (sql: Sql, name: string): Promise<Account | null> => {
  const { rows } = await sql.query<Raw>('select * from core.account where name = $1', [name])
  return rows[0] === undefined ? null : accountOf(rows[0])
}

export const putAccount = async (sql: Sql, account: Account, at: number): Promise<void> => {
  await sql.query(
    `insert into core.account (name, provider, regions, secret, settings, provider_id, verified_at, problem, created_at, max_systems)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (name) do update set regions = $3, secret = $4, settings = $5, provider_id = $6, verified_at = $7,
       problem = $8, max_systems = $10, parked_for = null, parked_since = null, parked_until = null`,
    [
      account.name,
      account.provider,
      account.regions,
      account.secret,
      JSON.stringify(account.settings),
      account.providerId,
      account.verifiedAt,
      account.problem,
      new Date(at),
      account.maxSystems,
    ],
  )
}

export const deleteAccount = async (sql: Sql, name: string): Promise<boolean> =>
  ((await sql.query('delete from core.account where name = $1', [name])).rowCount ?? 0) > 0

/** Systems of the account that are not gone: their regions, or all of them. */
export const regionsInUse = async (sql: Sql, account: string): Promise<string[]> =>
  (
    await sql.query<{ region: string }>(
      `select distinct region from core.system where account = $1 and phase <> 'gone' order by region`,
      [account],
    )
  ).rows.map(row => row.region)

/** How many systems that are not gone it has, by region. */
export const systemsByRegion = async (sql: Sql, account: string): Promise<{ region: string; systems: number }[]> =>
  (
    await sql.query<{ region: string; systems: number }>(
      `select region, count(*)::int as systems from core.system where account = $1 and phase <> 'gone'
       group by region order by region`,
      [account],
    )
  ).rows

/** Every account in every region of it. */
export const accountPlaces = async (sql: Sql): Promise<PlaceKey[]> =>
  (await listAccounts(sql)).flatMap(({ name, provider, regions }) =>
    regions.map(region => ({ provider, account: name, region })),
  )

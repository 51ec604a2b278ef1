import type { PlaceKey } from '../providers/place.ts'
import { systemOf } from './columns.ts'
import type { SystemRow } from './row.ts'
import type { Sql } from './sql.ts'

type Raw = Record<string, unknown>

/** The database's clock, ms since 1970: the one by which leases run, whatever the replicas' clocks say. */
export const databaseNow = async (sql: Sql): Promise<number> =>
  ((await sql.query<{ now: Date }>('select clock_timestamp() as now')).rows[0]?.now ?? new Date()).getTime()

/** What its lease still has to end. */
const toEnd = `phase <> 'gone' and ((lease_on_end = 'destroy' and desired <> 'absent') or (lease_on_end = 'stop' and desired = 'running'))`

const warnAtMost = '10 minutes'
/** Marks those whose lease ends soon (in a fifth of its length, at most ten minutes) and that were not warned of. */
export const warnOfLeases = async (sql: Sql): Promise<SystemRow[]> =>
  (
    await sql.query<Raw>(
      `update core.system set lease_note = 'soon'
       where ${toEnd} and lease_note is null and lease_expires_at > clock_timestamp()
         and lease_expires_at - least(interval '${warnAtMost}', make_interval(secs => lease_ms / 5000.0)) <= clock_timestamp()
       returning *`,
    )
  ).rows.map(systemOf)

/** Whose lease is over in that place and not yet carried out. */
export const endedLeases = async (sql: Sql, { provider, account, region }: PlaceKey): Promise<SystemRow[]> =>
  (
    await sql.query<Raw>(
      `select * from core.system where ${toEnd} and lease_expires_at <= clock_timestamp()
         and provider = $1 and account = $2 and region = $3 order by lease_expires_at limit 500`,
      [provider, account, region],
    )
  ).rows.map(systemOf)

/** Notes why nothing happens; answers whether that is new. */
export const noteLease = async (sql: Sql, { id }: SystemRow, note: 'kept' | 'frozen'): Promise<boolean> =>
  ((
    await sql.query(
      `update core.system set lease_note = $2
       where id = $1 and lease_note is distinct from $2 and lease_expires_at <= clock_timestamp()`,
      [id, note],
    )
  ).rowCount ?? 0) > 0

export const leasedSystems = async (sql: Sql, limit: number): Promise<SystemRow[]> =>
  (
    await sql.query<Raw>(
      `select * from core.system where phase <> 'gone' and lease_expires_at is not null
       order by lease_expires_at, name limit $1`,
      [limit],
    )
  ).rows.map(systemOf)

/** The machine carries the expiry that stands in the row; a newer renewal is not overwritten. */
export const leaseIsTold = async (sql: Sql, id: string, expiresAt: number): Promise<void> => {
  await sql.query(
    `update core.system set lease_there = lease_expires_at,
       next_at = case when phase in ('ready', 'stopped') then null else next_at end
     where id = $1 and lease_expires_at = $2`,
    [id, new Date(expiresAt)],
  )
}

/** Machines that show an earlier expiry than they were told (an older call landed later): they are told again. */
export const leasesUntold = async (sql: Sql, ids: readonly string[]): Promise<void> => {
  await sql.query('update core.system set lease_there = null where id = any($1)', [ids])
}

import type { ProviderKind, Readiness, SnapshotState } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

/** An image made of a system's machine. Times are ms since 1970. */
export type SnapshotRow = {
  readonly id: string
  readonly name: string
  readonly provider: ProviderKind
  readonly account: string
  readonly region: string
  readonly system: string
  readonly systemName: string
  readonly readiness: Readiness
  readonly machine: string | null
  /** What the machine was made of, by the provider's word. */
  readonly image: string
  readonly state: SnapshotState
  readonly ref: string | null
  readonly sizeGb: number | null
  readonly error: string | null
  readonly createdAt: number
}
export type SnapshotChanges = Partial<Pick<SnapshotRow, 'state' | 'ref' | 'sizeGb' | 'error'>>

type Raw = Record<string, unknown>
const snapshotOf = (row: Raw): SnapshotRow => ({
  id: row['id'] as string,
  name: row['name'] as string,
  provider: row['provider'] as ProviderKind,
  account: row['account'] as string,
  region: row['region'] as string,
  system: row['system'] as string,
  systemName: row['system_name'] as string,
  readiness: row['readiness'] as Readiness,
  machine: row['machine'] as string | null,
  image: row['image'] as string,
  state: row['state'] as SnapshotState,
  ref: row['ref'] as string | null,
  sizeGb: row['size_gb'] as number | null,
  error: row['error'] as string | null,
  createdAt: (row['created_at'] as Date).getTime(),
})
const first = (rows: readonly Raw[]): SnapshotRow | null => (rows[0] === undefined ? null : snapshotOf(rows[0]))

export const insertSnapshot = async (sql: Sql, row: SnapshotRow): Promise<void> => {
  await sql.query(
    `insert into core.snapshot
       (id, name, provider, account, region, system, system_name, readiness, machine, image, state, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      row.id,
      row.name,
      row.provider,
      row.account,
      row.region,
      row.system,
      row.systemName,
      row.readiness,
      row.machine,
      row.image,
      row.state,
      new Date(row.createdAt),
    ],
  )
}

export const snapshotById = async (sql: Sql, id: string): Promise<SnapshotRow | null> =>
  first((await sql.query<Raw>('select * from core.snapshot where id = $1', [id])).rows)
export const snapshotByName = async (sql: Sql, name: string): Promise<SnapshotRow | null> =>
  first((await sql.query<Raw>('select * from core.snapshot where name = $1', [name])).rows)
/** Newest first. */
export const listSnapshots = async (sql: Sql, limit: number): Promise<SnapshotRow[]> =>
  (await sql.query<Raw>('select * from core.snapshot order by created_at desc, id limit $1', [limit])).rows.map(
    snapshotOf,
  )
/** What is to be deleted and is not yet. */
export const snapshotsLeaving = async (sql: Sql, limit: number): Promise<SnapshotRow[]> =>
  (
    await sql.query<Raw>(`select * from core.snapshot where state = 'deleting' order by created_at limit $1`, [limit])
  ).rows.map(snapshotOf)

/** One that failed is tried again. */
export const reviveSnapshot = async (sql: Sql, id: string): Promise<void> => {
  await sql.query(`update core.snapshot set state = 'pending', error = null, ref = null where id = $1`, [id])
}

/** One that is being deleted stays that. */
export const writeSnapshot = async (sql: Sql, id: string, changes: SnapshotChanges): Promise<void> => {
  const has = (field: keyof SnapshotChanges) => changes[field] !== undefined
  await sql.query(
    `update core.snapshot set state = case when state = 'deleting' then state else coalesce($2, state) end,
       ref = case when $3 then $4 else ref end, size_gb = case when $5 then $6 else size_gb end,
       error = case when $7 then $8 else error end where id = $1`,
    [
      id,
      changes.state ?? null,
      has('ref'),
      changes.ref ?? null,
      has('sizeGb'),
      changes.sizeGb ?? null,
      has('error'),
      changes.error ?? null,
    ],
  )
}

export const deleteSnapshotRow = async (sql: Sql, id: string): Promise<void> => {
  await sql.query('delete from core.snapshot where id = $1', [id])
}

/** Systems that are not gone and were made of it. */
export const usersOfImage = async (sql: Sql, image: string): Promise<string[]> =>
  (
    await sql.query<{ name: string }>(
      `select name from core.system where image = $1 and phase <> 'gone' order by name limit 20`,
      [image],
    )
  ).rows.map(row => row.name)

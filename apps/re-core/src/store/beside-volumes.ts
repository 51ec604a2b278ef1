import { newId, type NewVolume } from '@re-ops/protocols'
import type { Pool } from 'pg'
import type { SystemRow } from './row.ts'
import type { Sql } from './sql.ts'

/** A volume that was made, or is to be made, with a system. Times are ms since 1970. */
export type BesideVolume = {
  readonly id: string
  readonly name: string
  readonly ref: string | null
  /** Committed before its provider is asked: from here on it may exist. */
  readonly sentAt: number | null
  readonly zone: string | null
}
type Raw = { id: string; name: string; ref: string | null; sent_at: Date | null; zone: string | null }
const volumeOf = ({ id, name, ref, sent_at, zone }: Raw): BesideVolume => ({
  id,
  name,
  ref,
  sentAt: sent_at?.getTime() ?? null,
  zone,
})

/** Volumes of a system, as its attempts see them. */
export type BesideVolumes = {
  of(row: SystemRow): Promise<readonly BesideVolume[]>
  /** Writes its name down (again), unless it is another's; null = it is. */
  claim(row: SystemRow, name: string): Promise<BesideVolume | null>
  /** False: a newer attempt has taken over, and nothing may be sent. Null takes it back. */
  send(row: SystemRow, id: string, at: number | null): Promise<boolean>
  /** Accepted from a stale attempt too; false: nobody wants it any more. */
  made(id: string, volume: { readonly ref: string; readonly zone: string | null }): Promise<boolean>
  forget(id: string): Promise<void>
  /** They get a life of their own. */
  free(row: SystemRow): Promise<void>
}

const claim = async (sql: Sql, row: SystemRow, name: string): Promise<BesideVolume | null> => {
  const { rows } = await sql.query<Raw>(
    `insert into core.volume (id, provider, account, region, name, system, created_at)
     values ($1, $2, $3, $4, $5, $6, now())
     on conflict (account, region, name) do update set name = $5 where core.volume.system = $6 returning *`,
    [newId(), row.provider, row.account, row.region, name, row.id],
  )
  return rows[0] === undefined ? null : volumeOf(rows[0])
}

/** Writes the names of a new system's volumes down. Answers the first that is another's already, or null. */
export const claimVolumes = async (sql: Sql, row: SystemRow, volumes: readonly NewVolume[]): Promise<string | null> => {
  for (const { name = '' } of volumes) if ((await claim(sql, row, name)) === null) return name
  return null
}

export const makeBesideVolumes = (pool: Pool): BesideVolumes => ({
  of: async ({ id }) =>
    (await pool.query<Raw>('select * from core.volume where system = $1 order by name', [id])).rows.map(volumeOf),
  claim: (row, name) => claim(pool, row, name),
  send: async (row, id, at) => {
    const { rowCount } = await pool.query(
      `update core.volume set sent_at = $3 where id = $1
         and exists (select from core.system s where s.id = core.volume.system and s.lease_epoch = $2)`,
      [id, row.leaseEpoch, at === null ? null : new Date(at)],
    )
    return rowCount === 1
  },
  made: async (id, { ref, zone }) =>
    (await pool.query('update core.volume set ref = $2, zone = $3 where id = $1', [id, ref, zone])).rowCount === 1,
  forget: async id => void (await pool.query('delete from core.volume where id = $1', [id])),
  free: async ({ id }) => {
    await pool.query('delete from core.volume where system = $1 and sent_at is null and ref is null', [id])
    await pool.query('update core.volume set system = null where system = $1', [id])
  },
})

import { newId, type ProviderKind, type PutVolume } from '@re-ops/protocols'
import type { PlaceKey } from '../providers/place.ts'
import { dateOf, msOf } from './columns.ts'
import type { Sql } from './sql.ts'

/** A volume with a life of its own, and what is wanted of it. Times are ms since 1970. */
export type VolumeRow = PlaceKey & {
  readonly id: string
  readonly name: string
  readonly ref: string | null
  /** Committed before its provider is asked to make it: from here on it may exist. */
  readonly sentAt: number | null
  readonly zone: string | null
  /** It was made with this system. */
  readonly system: string | null
  /** How large it shall be at least; null = as it is. */
  readonly wantGb: number | null
  readonly wantZone: string | null
  /** It shall go. */
  readonly leaving: boolean
  /** What the provider still does. */
  readonly opRef: string | null
  readonly problem: string | null
  /** Consecutive disappointments. */
  readonly attempt: number
  readonly nextAt: number | null
  readonly epoch: number
}
export type VolumeChanges = Partial<
  Pick<VolumeRow, 'ref' | 'sentAt' | 'zone' | 'leaving' | 'opRef' | 'problem' | 'attempt' | 'nextAt'>
>

type Raw = Record<string, unknown>
const rowOf = (raw: Raw): VolumeRow => ({
  id: raw['id'] as string,
  provider: raw['provider'] as ProviderKind,
  account: raw['account'] as string,
  region: raw['region'] as string,
  name: raw['name'] as string,
  ref: raw['ref'] as string | null,
  sentAt: msOf(raw['sent_at']),
  zone: raw['zone'] as string | null,
  system: raw['system'] as string | null,
  wantGb: raw['want_gb'] as number | null,
  wantZone: raw['want_zone'] as string | null,
  leaving: raw['leaving'] as boolean,
  opRef: raw['op_ref'] as string | null,
  problem: raw['problem'] as string | null,
  attempt: raw['attempt'] as number,
  nextAt: msOf(raw['next_at']),
  epoch: Number(raw['epoch']),
})
const first = (rows: readonly Raw[]): VolumeRow | null => (rows[0] === undefined ? null : rowOf(rows[0]))

export const volumeByName = async (
  sql: Sql,
  { account, region }: PlaceKey,
  name: string,
  lock: 'share' | 'none' = 'none',
): Promise<VolumeRow | null> => {
  const { rows } = await sql.query<Raw>(
    `select * from core.volume where account = $1 and region = $2 and name = $3 ${lock === 'share' ? 'for share' : ''}`,
    [account, region, name],
  )
  return first(rows)
}

/** Writes down how large it shall be; a worker looks at it at `nextAt`. Null: it is on its way, otherwise than this. */
export const wantVolume = async (
  sql: Sql,
  place: PlaceKey,
  { name, sizeGb, zone }: PutVolume & { readonly name: string },
  nextAt: number,
): Promise<VolumeRow | null> => {
  const { rows } = await sql.query<Raw>(
    `insert into core.volume as v (id, provider, account, region, name, want_gb, want_zone, next_at, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now())
     on conflict (account, region, name) do update set want_gb = $6, want_zone = $7, next_at = $8, problem = null,
       attempt = 0, epoch = v.epoch + 1
     where not v.leaving and (v.ref is not null
       or (v.system is null and (v.sent_at is null or (v.want_gb = $6 and v.want_zone is not distinct from $7))))
     returning *`,
    [newId(), place.provider, place.account, place.region, name, sizeGb, zone ?? null, new Date(nextAt)],
  )
  return first(rows)
}

/** Writes down that it shall go; one that has no row yet gets one. Attempts under way write nothing more. */
export const wantVolumeGone = async (
  sql: Sql,
  place: PlaceKey,
  { name, ref }: { readonly name: string; readonly ref: string | null },
  nextAt: number,
): Promise<VolumeRow> => {
  const { rows } = await sql.query<Raw>(
    `insert into core.volume as v (id, provider, account, region, name, ref, leaving, next_at, created_at)
     values ($1, $2, $3, $4, $5, $6, true, $7, now())
     on conflict (account, region, name) do update set leaving = true, ref = coalesce(v.ref, $6), next_at = $7,
       problem = null, attempt = 0, op_ref = null, epoch = v.epoch + 1
     returning *`,
    [newId(), place.provider, place.account, place.region, name, ref, new Date(nextAt)],
  )
  const row = first(rows)
  if (row === null) throw new Error('a row that was written is not there')
  return row
}

/** An open verb that moves it, of a system of its place. */
export const isMoving = async (sql: Sql, { account, region, name }: VolumeRow): Promise<boolean> => {
  const { rows } = await sql.query(
    `select 1 from core.op o join core.system s on s.id = o.system
     where o.volume = $3 and o.finished_at is null and s.account = $1 and s.region = $2`,
    [account, region, name],
  )
  return rows.length > 0
}

/** Starts an attempt, which has until then before the next one; null = nothing is wanted of it any more. */
export const claimVolume = async (sql: Sql, id: string, until: number): Promise<VolumeRow | null> =>
  first(
    (
      await sql.query<Raw>(
        `update core.volume set epoch = epoch + 1, next_at = $2 where id = $1 and next_at is not null returning *`,
        [id, new Date(until)],
      )
    ).rows,
  )

const columns: Readonly<Record<keyof VolumeChanges, string>> = {
  ref: 'ref',
  sentAt: 'sent_at',
  zone: 'zone',
  leaving: 'leaving',
  opRef: 'op_ref',
  problem: 'problem',
  attempt: 'attempt',
  nextAt: 'next_at',
}
const times: ReadonlySet<string> = new Set(['sentAt', 'nextAt'])

/** Null: a newer attempt, or a newer wish, has taken over. */
export const writeVolume = async (
  sql: Sql,
  { id, epoch }: Pick<VolumeRow, 'id' | 'epoch'>,
  changes: VolumeChanges,
): Promise<VolumeRow | null> => {
  const all = Object.entries(changes) as [keyof VolumeChanges, unknown][]
  const sets = all.map(([field], n) => `${columns[field]} = $${n + 3}`)
  const values = all.map(([field, value]) => (times.has(field) ? dateOf(value as number | null) : value))
  const { rows } = await sql.query<Raw>(
    `update core.volume set ${sets.join(', ')} where id = $1 and epoch = $2 returning *`,
    [id, epoch, ...values],
  )
  return first(rows)
}

/** It is gone. False: a newer attempt, or a newer wish, has taken over. */
export const forgetVolume = async (sql: Sql, { id, epoch }: VolumeRow): Promise<boolean> =>
  (await sql.query('delete from core.volume where id = $1 and epoch = $2', [id, epoch])).rowCount === 1

export const overdueVolumes = async (sql: Sql, now: number, limit: number): Promise<string[]> =>
  (
    await sql.query<{ id: string }>('select id from core.volume where next_at <= $1 order by next_at limit $2', [
      new Date(now),
      limit,
    ])
  ).rows.map(row => row.id)

/** Those of the place that are not, or not known to be, as they are wanted. */
export const unsettledVolumes = async (sql: Sql, { account, region }: PlaceKey): Promise<VolumeRow[]> =>
  (
    await sql.query<Raw>(
      `select * from core.volume where account = $1 and region = $2 and (next_at is not null or problem is not null)
       order by name limit 10000`,
      [account, region],
    )
  ).rows.map(rowOf)

import type { PlaceKey } from '../providers/place.ts'
import type { Sighting } from './row.ts'
import type { Sql } from './sql.ts'

type Raw = { ref: string; generation: number; candidate: number; age_ms: number; is_destroyed: boolean }

/** Machines of the system that are known for certain to be ours and are not the one it holds. */
export const sightingsOf = async (sql: Sql, system: string): Promise<Sighting[]> =>
  (
    await sql.query<Raw>(
      `select ref, generation, candidate, destroyed_at is not null as is_destroyed,
         (extract(epoch from clock_timestamp() - first_at) * 1000)::float8 as age_ms
       from core.sighting where system = $1 and certain order by first_at limit 100`,
      [system],
    )
  ).rows.map(({ age_ms: ageMs, is_destroyed: isDestroyed, ...row }) => ({ ...row, ageMs, isDestroyed }))

export type Seen = Pick<Sighting, 'ref' | 'generation' | 'candidate'> & PlaceKey & { readonly system: string }

const placeOf = ({ provider, account, region }: PlaceKey) => [provider, account, region] as const
const inPlace = 'provider = $1 and account = $2 and region = $3'

/** Notes that the machine was seen; answers for how long by the database's clock (replicas' clocks differ), and how often. */
export const noteSighting = async (
  sql: Sql,
  seen: Seen,
  { certain }: { readonly certain: boolean },
): Promise<{ forMs: number; times: number }> => {
  const { rows } = await sql.query<{ for_ms: number; times: number }>(
    `insert into core.sighting
       (provider, account, region, ref, system, generation, candidate, certain, first_at, last_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp(), clock_timestamp())
     on conflict (provider, account, region, ref) do update set last_at = clock_timestamp(), times = core.sighting.times + 1,
       certain = core.sighting.certain or $8
     returning (extract(epoch from last_at - first_at) * 1000)::float8 as for_ms, times`,
    [...placeOf(seen), seen.ref, seen.system, seen.generation, seen.candidate, certain],
  )
  const row = rows[0]
  return { forMs: row?.for_ms ?? 0, times: row?.times ?? 1 }
}

/** It stays until it must have been seen. */
export const sightingDestroyed = async (sql: Sql, place: PlaceKey, ref: string): Promise<void> => {
  const values = [...placeOf(place), ref]
  await sql.query(`update core.sighting set destroyed_at = clock_timestamp() where ${inPlace} and ref = $4`, values)
}

export const forgetSighting = async (sql: Sql, place: PlaceKey, ref: string): Promise<void> => {
  await sql.query(`delete from core.sighting where ${inPlace} and ref = $4`, [...placeOf(place), ref])
}

/** Of the reaper's notes keep only machines that are still there. */
export const forgetUnseen = async (sql: Sql, place: PlaceKey, present: readonly string[]): Promise<void> => {
  await sql.query(`delete from core.sighting where ${inPlace} and not certain and ref <> all($4)`, [
    ...placeOf(place),
    present,
  ])
}

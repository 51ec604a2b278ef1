import type { Sighting } from './row.ts'
import type { Sql } from './sql.ts'

type Raw = { ref: string; generation: number; candidate: number }

/** Machines of the system that are known for certain to be ours and are not the one it holds. */
export const sightingsOf = async (sql: Sql, system: string): Promise<Sighting[]> =>
  (
    await sql.query<Raw>(
      'select ref, generation, candidate from core.sighting where system = $1 and certain order by first_at limit 100',
      [system],
    )
  ).rows

export type Seen = Sighting & { readonly provider: string; readonly system: string }

/** Notes that the machine was seen; answers since when and how often. */
export const noteSighting = async (
  sql: Sql,
  seen: Seen,
  { certain, at }: { certain: boolean; at: number },
): Promise<{ firstAt: number; times: number }> => {
  const { rows } = await sql.query<{ first_at: Date; times: number }>(
    `insert into core.sighting (provider, ref, system, generation, candidate, certain, first_at, last_at)
     values ($1, $2, $3, $4, $5, $6, $7, $7)
     on conflict (provider, ref) do update set last_at = $7, times = core.sighting.times + 1,
       certain = core.sighting.certain or $6
     returning first_at, times`,
    [seen.provider, seen.ref, seen.system, seen.generation, seen.candidate, certain, new Date(at)],
  )
  const row = rows[0]
  return { firstAt: row?.first_at.getTime() ?? at, times: row?.times ?? 1 }
}

export const forgetSighting = async (sql: Sql, provider: string, ref: string): Promise<void> => {
  await sql.query('delete from core.sighting where provider = $1 and ref = $2', [provider, ref])
}

/** Of the reaper's notes keep only machines that are still there. */
export const forgetUnseen = async (sql: Sql, provider: string, present: readonly string[]): Promise<void> => {
  await sql.query('delete from core.sighting where provider = $1 and not certain and ref <> all($2)', [
    provider,
    present,
  ])
}

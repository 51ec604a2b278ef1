import type { Failure, RunStop, TargetState } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

export type Stopped = { readonly run: string; readonly stop: RunStop }
/** Notes which rule stopped runs, before anything follows from it. The first reason stays. */
export const markStopped = async (sql: Sql, stopped: readonly Stopped[]): Promise<void> => {
  await sql.query(
    `update mote.run r set stopped = coalesce(r.stopped, i.stop),
       cancelled_at = case when i.cancels then coalesce(r.cancelled_at, now()) else r.cancelled_at end
     from unnest($1::uuid[], $2::json[], $3::bool[]) as i(run, stop, cancels) where r.id = i.run and r.state = 'running'`,
    [
      stopped.map(one => one.run),
      stopped.map(one => JSON.stringify(one.stop)),
      stopped.map(one => one.stop.cancelRunning),
    ],
  )
}

/** Holds back, or lets go on, the hosts of a run that have not begun; false when it has ended or holds none back. */
export const markPaused = async (sql: Sql, run: string, paused: boolean): Promise<boolean> => {
  const { rowCount } = await sql.query(
    `update mote.run set paused_at = case when $2::bool then coalesce(paused_at, now()) end
     where id = $1 and state = 'running' and control is not null`,
    [run, paused],
  )
  return rowCount === 1
}

export type RolloutCounts = {
  readonly run: string
  readonly held: number
  readonly running: number
  /** Ended not longer ago than asked, as ages in ms. */
  readonly lately: readonly number[]
  readonly ageMs: number
}
/** How far runs with turns are; `keepsMs` is how long ago an end still counts as lately. */
export const countRollout = async (sql: Sql, run: string, keepsMs: number): Promise<RolloutCounts | null> => {
  const { rows } = await sql.query<RolloutCounts>(
    `select r.id as run, (extract(epoch from now() - r.created_at) * 1000)::float8 as "ageMs", t.* from mote.run r
     cross join lateral (select count(*) filter (where finished_at is null and call is null and not gathered)::int as held,
         count(*) filter (where finished_at is null and (call is not null or gathered))::int as running,
         coalesce(array_agg((extract(epoch from now() - finished_at) * 1000)::float8)
           filter (where finished_at > now() - make_interval(secs => $2::float8 / 1000)), '{}') as lately
       from mote.target where run = r.id) t
     where r.id = $1`,
    [run, keepsMs],
  )
  return rows[0] ?? null
}

export type FailedTarget = { readonly name: string; readonly state: TargetState; readonly failure: Failure | null }
/** Targets that ended in one of these states. */
export const listFailed = async (sql: Sql, run: string, states: readonly string[]): Promise<FailedTarget[]> => {
  const { rows } = await sql.query<FailedTarget>(
    `select host_name as name, state, failure from mote.target
     where run = $1 and finished_at is not null and state = any($2::text[]) order by host_name, host`,
    [run, states],
  )
  return rows
}

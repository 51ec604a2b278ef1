import type { AgentScheduleInfo, CreateAgentSchedule, KeptSample, Sample } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

export type AgentScheduleRow = {
  id: string
  name: string
  selector: string
  operation: string
  input: unknown
  every_ms: number
  timeout_ms: number
  keep_ms: number
  created_by: string
  created_at: Date
}
const columns =
  'id, name, selector, operation, input, every_ms, timeout_ms, keep_ms::float8 as keep_ms, created_by, created_at'

/** Null: another one has this name. */
export const insertAgentSchedule = async (
  sql: Sql,
  made: Required<CreateAgentSchedule> & { readonly id: string; readonly by: string },
): Promise<AgentScheduleRow | null> => {
  const { rows } = await sql.query<AgentScheduleRow>(
    `insert into mote.agent_schedule (id, name, selector, operation, input, every_ms, timeout_ms, keep_ms, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (name) where removed_at is null do nothing returning ${columns}`,
    [
      made.id,
      made.name,
      made.on,
      made.operation,
      JSON.stringify(made.input),
      made.everyMs,
      made.timeoutMs,
      made.keepMs,
      made.by,
    ],
  )
  return rows[0] ?? null
}
export const readAgentSchedules = async (sql: Sql): Promise<AgentScheduleRow[]> =>
  (
    await sql.query<AgentScheduleRow>(
      `select ${columns} from mote.agent_schedule where removed_at is null order by name`,
    )
  ).rows

/** It is sampled no more; its samples go when they are old. */
export const removeAgentSchedule = async (sql: Sql, name: string): Promise<AgentScheduleRow | null> =>
  (
    await sql.query<AgentScheduleRow>(
      `update mote.agent_schedule set removed_at = now() where name = $1 and removed_at is null returning ${columns}`,
      [name],
    )
  ).rows[0] ?? null

export type Delivered = { readonly host: string; readonly series: string; readonly sample: Sample }
/**
 * Keeps what is not there yet, in one statement; a jump of the count of a schedule is what a full ring lost. Samples of a schedule that there
 * never was would be nobody's, and stay for good: they are not kept. Answers how many those were.
 */
export const insertSamples = async (sql: Sql, delivered: readonly Delivered[]): Promise<number> => {
  const all = delivered.map(one => one.sample)
  const { rows } = await sql.query<{ unknown: number }>(
    `with i as materialized (
       select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::float8[], $7::float8[], $8::json[], $9::text[])
         as i(schedule, host, series, seq, n, at, ms, value, failure)),
     known as materialized (select i.* from i where exists (select from mote.agent_schedule a where a.id = i.schedule)),
     kept as (
       insert into mote.sample (schedule, host, series, seq, n, at, ms, value, failure)
       select schedule, host, series, seq, n, to_timestamp(at / 1000), ms, value, failure from known
       on conflict do nothing returning schedule, host, series, n, at),
     counted as (
       select k.schedule, k.host, k.series, max(k.n) as n, count(*) as got, max(k.at) as at from kept k group by 1, 2, 3),
     summed as (
     insert into mote.sample_count as c (schedule, host, series, n, dropped, last_at)
     select schedule, host, series, n, n - got, at from counted
     on conflict (schedule, host, series) do update set n = greatest(c.n, excluded.n), last_at = greatest(c.last_at, excluded.last_at),
       dropped = c.dropped + greatest(0, excluded.n - c.n - (excluded.n - excluded.dropped)))
     select ((select count(*) from i) - (select count(*) from known))::int as unknown`,
    [
      all.map(one => one.schedule),
      delivered.map(one => one.host),
      delivered.map(one => one.series),
      all.map(one => one.seq),
      all.map(one => one.n),
      all.map(one => one.at),
      all.map(one => one.ms),
      all.map(one => (one.value === undefined ? null : JSON.stringify(one.value))),
      // Of the words of a failure text holds all but NUL.
      all.map(one => one.failure?.replaceAll('\0', '\uFFFD').toWellFormed() ?? null),
    ],
  )
  return rows[0]?.unknown ?? 0
}

/** Removes what is older than its schedule keeps it, some at a time; answers how many. */
export const removeOldSamples = async (sql: Sql, atMost: number): Promise<number> => {
  const { rowCount } = await sql.query(
    `delete from mote.sample where ctid in (
       select s.ctid from mote.sample s join mote.agent_schedule a on a.id = s.schedule
       where s.at < now() - make_interval(secs => a.keep_ms::float8 / 1000) limit $1)`,
    [atMost],
  )
  return rowCount ?? 0
}

export const hostsOfSchedule = async (sql: Sql, schedule: string): Promise<AgentScheduleInfo['hosts']> => {
  const { rows } = await sql.query<{ host: string; name: string; samples: number; last_at: Date; dropped: number }>(
    `select c.host, h.name, max(c.last_at) as last_at, sum(c.dropped)::int as dropped,
       (select count(*)::int from mote.sample s where s.schedule = $1 and s.host = c.host) as samples
     from mote.sample_count c join mote.host h on h.id = c.host where c.schedule = $1 group by c.host, h.name order by h.name`,
    [schedule],
  )
  return rows.map(row => ({
    host: { id: row.host, name: row.name },
    samples: row.samples,
    lastAt: row.last_at.toISOString(),
    dropped: row.dropped,
  }))
}

type KeptRow = { host: string; name: string; n: string; at: Date; ms: number; value: unknown; failure: string | null }
/** The newest first. */
export const listSamples = async (
  sql: Sql,
  { schedule, host, limit }: { readonly schedule: string; readonly host: string | undefined; readonly limit: number },
): Promise<KeptSample[]> => {
  const { rows } = await sql.query<KeptRow>(
    `select s.host, h.name, s.n, s.at, s.ms, s.value, s.failure from mote.sample s join mote.host h on h.id = s.host
     where s.schedule = $1 and ($2::uuid is null or s.host = $2) order by s.at desc, s.host, s.n desc limit $3`,
    [schedule, host ?? null, limit],
  )
  return rows.map(row => ({
    host: { id: row.host, name: row.name },
    n: Number(row.n),
    at: row.at.toISOString(),
    ms: row.ms,
    ...(row.failure === null ? { value: row.value } : { failure: row.failure }),
  }))
}

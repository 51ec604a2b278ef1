import { modulesIn } from '@re-ops/pipelines'
import type {
  CallResult,
  Failure,
  Run,
  RunControl,
  RunStop,
  RunSummary,
  Target,
  TargetState,
  TransportName,
} from '@re-ops/protocols'
import type { Sql } from './sql.ts'

export type RunRow = {
  id: string
  selector: string
  pipeline: unknown
  timeout_ms: number | null
  wait_online_ms: number | null
  state: 'running' | 'done'
  created_at: Date
  finished_at: Date | null
  cancelled_at: Date | null
  created_by: string
  request_id: string
  expected: number
  ok: number
  failed: number
  failures: Record<string, number>
  body_hash: string | null
  control: RunControl | null
  dry: boolean
  retry_of: string | null
  paused_at: Date | null
  stopped: RunStop | null
}
const select = `select r.id, r.selector, r.pipeline, r.timeout_ms, r.wait_online_ms, r.state, r.created_at, r.finished_at, r.cancelled_at, r.created_by, r.request_id,
  r.expected, r.ok, r.failed, r.body_hash, r.control, r.dry, r.retry_of, r.paused_at, r.stopped, case when r.failed = 0 then '{}'::json else coalesce(
    (select json_object_agg(f.state, f.n) from (select t.state, count(*) as n from mote.target t
      where t.run = r.id and t.finished_at is not null and t.state <> 'ok' group by t.state) f), '{}'::json) end as failures
  from mote.run r`

export const summaryOf = (row: RunRow): RunSummary => ({
  run: row.id,
  expected: row.expected,
  ok: row.ok,
  failed: row.failed,
  failures: row.failures,
})
const modulesOf = (pipeline: unknown): { modules?: string[] } => {
  const modules = modulesIn(pipeline)
  return modules.length === 0 ? {} : { modules }
}
const controlOf = ({ control, dry, retry_of: retryOf, stopped }: RunRow) => ({
  ...(control ? { control } : {}),
  ...(dry ? { dryRun: true } : {}),
  ...(retryOf === null ? {} : { retryOf }),
  ...(stopped ? { stopped } : {}),
})
export const runOf = (row: RunRow, targets?: Target[]): Run => ({
  id: row.id,
  on: row.selector,
  pipeline: row.pipeline,
  state: row.state,
  createdAt: row.created_at.toISOString(),
  finishedAt: row.finished_at?.toISOString() ?? null,
  createdBy: row.created_by,
  ...modulesOf(row.pipeline),
  ...controlOf(row),
  summary: summaryOf(row),
  ...(targets ? { targets } : {}),
})

export const findRun = async (sql: Sql, id: string): Promise<RunRow | null> =>
  (await sql.query<RunRow>(`${select} where r.id = $1`, [id])).rows[0] ?? null

export const findRuns = async (sql: Sql, ids: readonly string[]): Promise<Run[]> =>
  (await sql.query<RunRow>(`${select} where r.id = any($1::uuid[])`, [ids])).rows.map(row => runOf(row))

export const findRunByKey = async (sql: Sql, createdBy: string, key: string): Promise<RunRow | null> =>
  (await sql.query<RunRow>(`${select} where r.created_by = $1 and r.idempotency_key = $2`, [createdBy, key])).rows[0] ??
  null

/** Newest first; `before` is the id of a run of an earlier page. */
export const listRuns = async (sql: Sql, page: { limit: number; before: string | null }): Promise<Run[]> => {
  const { rows } = await sql.query<RunRow>(
    `${select} where $2::uuid is null or (r.created_at, r.id) < (select b.created_at, b.id from mote.run b where b.id = $2)
     order by r.created_at desc, r.id desc limit $1`,
    [page.limit, page.before],
  )
  return rows.map(row => runOf(row))
}

type TargetRow = {
  host: string
  host_name: string
  state: TargetState
  step: string | null
  ms: number | null
  value: unknown
  failure: Failure | null
  late?: { at: string; result: CallResult } | null
  ended: boolean
}
const lateOf = ({ at, result }: { at: string; result: CallResult }): NonNullable<Target['late']> => ({ at, ...result })
export const targetOf = (row: TargetRow): Target => ({
  host: { id: row.host, name: row.host_name },
  state: row.state,
  step: row.step,
  ms: row.ms,
  ...(row.state === 'ok' ? { value: row.value } : {}),
  ...(row.failure ? { failure: row.failure } : {}),
  ...(row.late ? { late: lateOf(row.late) } : {}),
})

export const listTargets = async (
  sql: Sql,
  run: string,
  { endedOnly = false, since = null }: { endedOnly?: boolean; /** ms ago at most */ since?: number | null } = {},
): Promise<Target[]> => {
  const { rows } = await sql.query<TargetRow>(
    `select host, host_name, state, step, ms, case when state = 'ok' then value end as value, failure, late
     from mote.target where run = $1 and ($2::bool is false or finished_at is not null)
       and ($3::float8 is null or finished_at > now() - make_interval(secs => $3 / 1000)) order by host_name, host`,
    [run, endedOnly, since],
  )
  return rows.map(targetOf)
}

/** Bytes of all that the targets of a run hold, as text. */
export const sizeOfTargets = async (sql: Sql, run: string): Promise<number> => {
  const { rows } = await sql.query<{ bytes: number }>(
    `select coalesce(sum(coalesce(octet_length(value::text), 0) + coalesce(octet_length(failure::text), 0)), 0)::float8 as bytes
     from mote.target where run = $1`,
    [run],
  )
  return rows[0]?.bytes ?? 0
}

/** Hosts whose targets have ended. */
export const listEnded = async (sql: Sql, run: string): Promise<string[]> => {
  const { rows } = await sql.query<{ host: string }>(
    'select host from mote.target where run = $1 and finished_at is not null order by host_name, host',
    [run],
  )
  return rows.map(row => row.host)
}

/** The targets of these hosts, in that order. */
export const findTargets = async (sql: Sql, run: string, hosts: readonly string[]): Promise<Target[]> => {
  const { rows } = await sql.query<TargetRow>(
    `select t.host, t.host_name, t.state, t.step, t.ms, case when t.state = 'ok' then t.value end as value, t.failure
     from unnest($2::uuid[]) with ordinality as i(host, nth) join mote.target t on t.run = $1 and t.host = i.host order by i.nth`,
    [run, hosts],
  )
  return rows.map(targetOf)
}

/** A page of targets by name, those behind the host given: as many as have results of `bytesMax` together, but at least one. */
export const pageOfTargets = async (
  sql: Sql,
  page: { readonly run: string; readonly after: string | null; readonly limit: number; readonly bytesMax: number },
): Promise<Target[]> => {
  const { rows } = await sql.query<TargetRow>(
    `with p as (
       select *, sum(coalesce(octet_length(value::text), 0)) over (order by host_name, host) as bytes from (
         select * from mote.target where run = $1
           and ($2::uuid is null or (host_name, host) > (select host_name, host from mote.target where run = $1 and host = $2))
         order by host_name, host limit $3) t)
     select host, host_name, state, step, ms, case when state = 'ok' then value end as value, failure from p
     where bytes - coalesce(octet_length(value::text), 0) < $4 order by host_name, host`,
    [page.run, page.after, page.limit, page.bytesMax],
  )
  return rows.map(targetOf)
}

/** Targets that have not ended, or ended in a way that their host may have had no part in. */
export const listUnanswered = async (sql: Sql, run: string): Promise<Target[]> => {
  const { rows } = await sql.query<TargetRow>(
    `select host, host_name, state, step, ms, null as value, failure from mote.target
     where run = $1 and (finished_at is null or state in ('unreachable', 'lost', 'cancelled', 'rejected')) order by host_name, host`,
    [run],
  )
  return rows.map(targetOf)
}

/** Targets that have ended, a page at a time: those behind the host given. */
export const pageOfEnded = async (
  sql: Sql,
  page: { readonly run: string; readonly after: string | null; readonly limit: number },
): Promise<Target[]> => {
  const { rows } = await sql.query<TargetRow>(
    `select host, host_name, state, step, ms, case when state = 'ok' then value end as value, failure
     from mote.target where run = $1 and finished_at is not null and ($2::uuid is null or host > $2) order by host limit $3`,
    [page.run, page.after, page.limit],
  )
  return rows.map(targetOf)
}

/** Notes that somebody asked to cancel; false when the run had ended or is unknown. */
export const markCancelled = async (sql: Sql, run: string): Promise<boolean> => {
  const { rowCount } = await sql.query(
    `update mote.run set cancelled_at = coalesce(cancelled_at, now()) where id = $1 and state = 'running'`,
    [run],
  )
  return rowCount === 1
}

export type OpenTarget = {
  run: string
  host: string
  host_name: string
  transport: TransportName
  ssh: boolean
  cursor: unknown
  step: string | null
  gathered: boolean
  value: unknown
  call: string | null
  call_state: 'queued' | 'sent' | 'acked' | 'running' | null
  redeliveries: number
  acked_at: Date | null
  call_age_ms: number | null
  /** The host's last session had ended before the call was made, and it has had none since. */
  unsent: boolean
}
/** Runs that are not done and that this process does not drive: those of a service that died, or whose creation was not answered. */
export const findAbandoned = async (
  sql: Sql,
  { known, olderThanMs, owner }: { known: readonly string[]; olderThanMs: number; owner: string },
): Promise<{ runs: RunRow[]; targets: OpenTarget[] }> => {
  const runs = await sql.query<RunRow>(
    `${select} where r.state = 'running' and r.owner = $3 and r.id <> all($1::uuid[])
       and r.created_at <= now() - make_interval(secs => $2::float8 / 1000)`,
    [known, olderThanMs, owner],
  )
  if (runs.rows.length === 0) return { runs: [], targets: [] }
  const targets = await sql.query<OpenTarget>(
    `select t.run, t.host, t.host_name, coalesce(h.transport, 'zmq') as transport, h.ssh is not null as ssh, t.cursor, t.step, t.gathered, t.value, t.call, t.call_state, t.redeliveries, t.acked_at,
       (extract(epoch from now() - t.call_at) * 1000)::float8 as call_age_ms, (s.host is null or coalesce(s.ended_at <= t.call_at, false)) as unsent
     from mote.target t left join mote.session s on s.host = t.host left join mote.host h on h.id = t.host
     where t.run = any($1::uuid[]) and t.finished_at is null order by t.host_name, t.host`,
    [runs.rows.map(run => run.id)],
  )
  return { runs: runs.rows, targets: targets.rows }
}

export type TargetCall = {
  readonly host: string
  readonly transport: TransportName
  /** The call it is at, or ended with. */
  readonly call: string | null
  readonly ended: boolean
}
/** A target by its host's id or name, which is as it was when the run began. */
export const findTargetCall = async (sql: Sql, run: string, host: string): Promise<TargetCall | null> => {
  const { rows } = await sql.query<TargetCall>(
    `select t.host, coalesce(h.transport, 'zmq') as transport, t.call, t.finished_at is not null as ended
     from mote.target t left join mote.host h on h.id = t.host
     where t.run = $1 and (t.host::text = $2 or t.host_name = $2) limit 1`,
    [run, host],
  )
  return rows[0] ?? null
}

import type { CallResult, Failure } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

/** One step of one target: its call ended (or its barrier opened), and what comes next. */
export type Advance = {
  /** The call that ended; null after a barrier. */
  readonly ended: { readonly id: string; readonly state: string } | null
  readonly run: string
  readonly host: string
  readonly target: {
    readonly state: string
    readonly step: string | null
    readonly cursor: unknown
    readonly gathered: boolean
    readonly ms: number | null
    readonly value?: unknown
    readonly failure?: Failure
    readonly terminal: boolean
  }
  readonly next: {
    readonly id: string
    readonly operation: string
    readonly input: unknown
    readonly step: string
    readonly timeoutMs: number
    readonly state: 'queued' | 'sent'
    readonly redeliveries: number
  } | null
}

/**
 * Commits a batch in one statement: ended calls, moved targets, next calls, counts and ends of runs. A terminal state never changes: what was
 * terminal already is not touched. Returns the ids of the calls that this batch ended, also when it is repeated after a lost answer.
 */
export const commitAdvances = async (sql: Sql, items: readonly Advance[], batch: string): Promise<Set<string>> => {
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value))
  const { rows } = await sql.query<{ id: string }>({
    name: 'commit-advances',
    text: `
with i as materialized (select * from unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::json[], $9::bool[], $10::float8[],
    $11::json[], $12::json[], $13::bool[], $14::uuid[], $15::text[], $16::json[], $17::text[], $18::int[], $19::text[], $20::int[])
  as i(ended, call_state, run, host, state, step, cursor, gathered, ms, value, failure, terminal, next, operation, input, next_step, timeout_ms, next_state, redeliveries)),
ended as (update mote.call c set state = i.call_state, ended_at = now(), ended_by = $1
  from i where c.id = i.ended and c.host = i.host and c.ended_at is null returning c.id),
go as materialized (select i.* from i where i.ended is null or i.ended in (select id from ended)),
moved as (update mote.target t set state = go.state, step = go.step, cursor = go.cursor, gathered = go.gathered, ms = go.ms, value = go.value,
    failure = go.failure, call = go.next, finished_at = case when go.terminal then now() end
  from go where t.run = go.run and t.host = go.host and t.finished_at is null and (go.ended is not null or t.gathered)
  returning t.run, t.host, go.terminal, t.state),
nexts as (insert into mote.call (id, run, host, operation, input, step, timeout_ms, state, redeliveries)
  select go.next, go.run, go.host, go.operation, go.input, go.next_step, go.timeout_ms, go.next_state, go.redeliveries
  from go join moved using (run, host) where go.next is not null),
counts as (update mote.run r set open = r.open - n.ended, ok = r.ok + n.ok, failed = r.failed + n.ended - n.ok,
    state = case when r.open = n.ended then 'done' else r.state end, finished_at = case when r.open = n.ended then now() end
  from (select run, count(*)::int as ended, count(*) filter (where state = 'ok')::int as ok from moved where terminal group by run) n
  where r.id = n.run)
select id from ended union all select c.id from mote.call c where c.id = any($2::uuid[]) and c.ended_by = $1`,
    values: [
      batch,
      items.map(i => i.ended?.id ?? null),
      items.map(i => i.ended?.state ?? null),
      items.map(i => i.run),
      items.map(i => i.host),
      items.map(i => i.target.state),
      items.map(i => i.target.step),
      items.map(i => json(i.target.cursor)),
      items.map(i => i.target.gathered),
      items.map(i => i.target.ms),
      items.map(i => json(i.target.value)),
      items.map(i => json(i.target.failure)),
      items.map(i => i.target.terminal),
      items.map(i => i.next?.id ?? null),
      items.map(i => i.next?.operation ?? null),
      items.map(i => (i.next ? JSON.stringify(i.next.input ?? {}) : null)),
      items.map(i => i.next?.step ?? null),
      items.map(i => i.next?.timeoutMs ?? null),
      items.map(i => i.next?.state ?? null),
      items.map(i => i.next?.redeliveries ?? 0),
    ],
  })
  return new Set(rows.map(row => row.id))
}

export type Acked = { readonly id: string; readonly state: 'acked' | 'running' }
export const commitAcks = async (sql: Sql, acked: readonly Acked[]): Promise<void> => {
  await sql.query({
    name: 'commit-acks',
    text: `update mote.call c set state = i.state, acked_at = coalesce(c.acked_at, now())
           from unnest($1::uuid[], $2::text[]) as i(id, state) where c.id = i.id and c.ended_at is null`,
    values: [acked.map(one => one.id), acked.map(one => one.state)],
  })
}

export type Late = { readonly id: string; readonly host: string; readonly ms: number; readonly result: CallResult }
/**
 * A result of a call that had ended in another way is kept beside; the same end again is nothing new. Answers which of the calls have not ended
 * at all: their results are not late, and must not be settled yet.
 */
export const commitLate = async (sql: Sql, lates: readonly Late[]): Promise<Set<string>> => {
  const { rows } = await sql.query<{ id: string }>(
    `with i as materialized (select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::json[]) as i(id, host, state, late)),
       kept as (update mote.call c set late = i.late from i
         where c.id = i.id and c.host = i.host and c.ended_at is not null and c.state <> i.state and c.late is null)
     select c.id from mote.call c join i using (id, host) where c.ended_at is null`,
    [
      lates.map(one => one.id),
      lates.map(one => one.host),
      lates.map(one => (one.result.ok ? 'ok' : one.result.failure.kind)),
      lates.map(one => JSON.stringify({ at: new Date().toISOString(), ms: one.ms, result: one.result })),
    ],
  )
  return new Set(rows.map(row => row.id))
}

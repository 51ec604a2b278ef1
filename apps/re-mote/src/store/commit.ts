import type { Failure } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

/** One step of one target: its call ended (or its barrier opened), and what comes next. */
export type Advance = {
  /** The call that ended; null after a barrier, and at the first turn of a target that was held. */
  readonly ended: { readonly id: string; readonly state: string; readonly operation: string } | null
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
  readonly next: { readonly id: string; readonly state: 'queued' | 'sent'; readonly redeliveries: number } | null
}
export type Batch = {
  readonly items: readonly Advance[]
  readonly id: string
  /** An earlier attempt may have been committed, its answer lost. */
  readonly again: boolean
}

const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value))

/** Counts what the batch ended into its runs, and ends those that have nothing left. */
const counts = `update mote.run r set open = r.open - n.ended, ok = r.ok + n.ok, failed = r.failed + n.ended - n.ok,
    state = case when r.open = n.ended then 'done' else r.state end, finished_at = case when r.open = n.ended then now() end
  from (select run, count(*)::int as ended, count(*) filter (where state = 'ok')::int as ok from moved where terminal group by run) n
  where r.id = n.run`

/**
 * Commits a batch in one statement: ended calls, moved targets, next calls, counts and ends of runs. A terminal state never changes: what was
 * terminal already is not touched. Returns the ids of the calls that this batch ended (of those it began, where none ended), also when it is
 * repeated after a lost answer.
 */
export const commitAdvances = async (sql: Sql, batch: Batch): Promise<Set<string>> => {
  const [first] = batch.items
  const ends = batch.items.every(one => one.target.terminal && one.ended !== null)
  const ended =
    ends && first && batch.items.length === 1
      ? await commitEnd(sql, first, batch.id)
      : ends
        ? await commitEnds(sql, batch)
        : await commitMoves(sql, batch)
  const ids = new Set(ended)
  if (batch.again) for (const id of await endedBy(sql, batch)) ids.add(id)
  return ids
}

/** Resolves when all that was committed before, over whichever connection, is on disk. */
export const flushed = async (sql: Sql): Promise<void> => {
  // A commit that waits for the disk, of nothing but a word in the log.
  const text = `select set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 're-ops', '')`
  await sql.query({ name: 'flushed', text })
}

/** The same as `commitEnds` for one: a plan that is so small costs half as much. */
const commitEnd = async (sql: Sql, { ended, run, host, target }: Advance, id: string): Promise<string[]> => {
  const { rows } = await sql.query<{ call: string }>({
    name: 'commit-end',
    text: `
with moved as (update mote.target set state = $5, step = $6, cursor = null, ms = $7, value = $8, failure = $9, ended_by = $1, finished_at = now()
  where run = $2 and host = $3 and call = $4 and finished_at is null and not gathered
  returning call)
update mote.run set open = open - 1, ok = ok + $10::int, failed = failed + 1 - $10::int,
  state = case when open = 1 then 'done' else state end, finished_at = case when open = 1 then now() end
from moved where id = $2
returning moved.call`,
    values: [
      id,
      run,
      host,
      ended?.id ?? null,
      target.state,
      target.step,
      target.ms,
      json(target.value),
      json(target.failure),
      target.state === 'ok' ? 1 : 0,
    ],
  })
  return rows.map(row => row.call)
}

/** Most calls are the last of their target: one update in place. */
const commitEnds = async (sql: Sql, { items, id }: Batch): Promise<string[]> => {
  const { rows } = await sql.query<{ call: string }>({
    name: 'commit-ends',
    text: `
with i as materialized (select * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::float8[], $8::json[], $9::json[])
  as i(run, host, call, state, step, ms, value, failure)),
moved as (update mote.target t set state = i.state, step = i.step, cursor = null, ms = i.ms, value = i.value, failure = i.failure,
    ended_by = $1, finished_at = now()
  from i where t.run = i.run and t.host = i.host and t.call = i.call and t.finished_at is null and not t.gathered
  returning t.run, t.call, t.state, true as terminal),
counts as (${counts})
select call from moved`,
    values: [
      id,
      items.map(i => i.run),
      items.map(i => i.host),
      items.map(i => i.ended?.id ?? null),
      items.map(i => i.target.state),
      items.map(i => i.target.step),
      items.map(i => i.target.ms),
      items.map(i => json(i.target.value)),
      items.map(i => json(i.target.failure)),
    ],
  })
  return rows.map(row => row.call)
}

const commitMoves = async (sql: Sql, { items, id }: Batch): Promise<string[]> => {
  const { rows } = await sql.query<{ ended: string | null }>({
    name: 'commit-moves',
    text: `
with i as materialized (select * from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::json[], $10::bool[],
    $11::float8[], $12::json[], $13::json[], $14::bool[], $15::uuid[], $16::text[], $17::int[])
  as i(ended, call_state, operation, run, host, state, step, cursor, gathered, ms, value, failure, terminal, next, next_state, redeliveries)),
moved as (update mote.target t set state = i.state, step = i.step, cursor = i.cursor, gathered = i.gathered, ms = i.ms, value = i.value,
    failure = i.failure, ended_by = $1, finished_at = case when i.terminal then now() end,
    call = coalesce(i.next, t.call), call_state = coalesce(i.next_state, i.call_state, t.call_state),
    redeliveries = case when i.next is null then t.redeliveries else i.redeliveries end,
    call_at = case when i.next is null then t.call_at else now() end, acked_at = case when i.next is null then t.acked_at end,
    epoch = case when i.next is null then t.epoch end, late = case when i.next is null then t.late end
  from i where t.run = i.run and t.host = i.host and t.finished_at is null
    and case when i.ended is null then t.gathered or t.call is null else t.call = i.ended and not t.gathered end
  returning t.run, t.host, t.state, i.terminal, i.ended, i.next, i.call_state, i.operation),
earlier as (insert into mote.call (id, run, host, operation, step, state, epoch, redeliveries, created_at, acked_at, ended_at, ended_by, late)
  select t.call, t.run, t.host, coalesce(moved.operation, ''), coalesce(t.step, ''), coalesce(moved.call_state, t.call_state, 'ok'), t.epoch, t.redeliveries,
    coalesce(t.call_at, now()), t.acked_at, now(), $1, t.late
  from moved join mote.target t using (run, host) where moved.next is not null and t.call is not null),
counts as (${counts})
select coalesce(ended, next) as ended from moved where coalesce(ended, next) is not null`,
    values: [
      id,
      items.map(i => i.ended?.id ?? null),
      items.map(i => i.ended?.state ?? null),
      items.map(i => i.ended?.operation ?? null),
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
      items.map(i => i.next?.state ?? null),
      items.map(i => i.next?.redeliveries ?? 0),
    ],
  })
  return rows.flatMap(row => row.ended ?? [])
}

/** Which calls an earlier attempt of this batch ended, or began. */
const endedBy = async (sql: Sql, { items, id }: Batch): Promise<string[]> => {
  const ids = items.flatMap(one => one.ended?.id ?? one.next?.id ?? [])
  const { rows } = await sql.query<{ id: string }>(
    `select call as id from mote.target where call = any($1::uuid[]) and ended_by = $2
     union all select id from mote.call where id = any($1::uuid[]) and ended_by = $2`,
    [ids, id],
  )
  return rows.map(row => row.id)
}

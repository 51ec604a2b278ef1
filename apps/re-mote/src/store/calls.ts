import type { CallResult } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

export type Acked = {
  readonly id: string
  readonly run: string
  readonly host: string
  readonly state: 'acked' | 'running'
}
export const commitAcks = async (sql: Sql, acked: readonly Acked[]): Promise<void> => {
  await sql.query({
    name: 'commit-acks',
    text: `update mote.target t set call_state = i.state, acked_at = coalesce(t.acked_at, now())
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as i(id, run, host, state)
           where t.run = i.run and t.host = i.host and t.call = i.id and t.finished_at is null and not t.gathered`,
    values: [
      acked.map(one => one.id),
      acked.map(one => one.run),
      acked.map(one => one.host),
      acked.map(one => one.state),
    ],
  })
}

export type Late = { readonly id: string; readonly host: string; readonly ms: number; readonly result: CallResult }
/**
 * A result of a call that had ended in another way is kept beside; the same end again is nothing new. Answers which of the calls have not ended
 * at all, and which service drives each: their results are not late, and must not be settled yet.
 */
export const commitLate = async (
  sql: Sql,
  lates: readonly (Late & { readonly text: string })[],
): Promise<Map<string, string | null>> => {
  const { rows } = await sql.query<{ id: string; owner: string | null }>(
    `with i as materialized (select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::json[]) as i(id, host, state, late)),
       kept as (update mote.target t set late = i.late from i
         where t.call = i.id and t.host = i.host and t.finished_at is not null and t.state <> i.state and t.late is null),
       kept_earlier as (update mote.call c set late = i.late from i
         where c.id = i.id and c.host = i.host and c.state <> i.state and c.late is null)
     select i.id, r.owner from i join mote.target t on t.call = i.id and t.host = i.host join mote.run r on r.id = t.run
     where t.finished_at is null and not t.gathered`,
    [
      lates.map(one => one.id),
      lates.map(one => one.host),
      lates.map(one => (one.result.ok ? 'ok' : one.result.failure.kind)),
      lates.map(one => one.text),
    ],
  )
  return new Map(rows.map(row => [row.id, row.owner]))
}

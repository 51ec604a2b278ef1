import { createHash } from 'node:crypto'
import type { TransportName } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

/** What a host does at the start of a run, the same for all hosts of a kind: pipelines begin without input. */
export type Opening = {
  readonly state: string
  readonly step: string | null
  readonly cursor: unknown
  readonly gathered: boolean
  readonly value: unknown
  readonly failure: unknown
  /** Whether there is a call to make. What it is, cursor and pipeline tell. */
  readonly call: boolean
  /** Nothing yet: the host waits for its turn. */
  readonly held?: boolean
}
export type NewRun = {
  readonly id: string
  readonly selector: string
  readonly pipeline: unknown
  readonly timeoutMs: number | null
  readonly waitOnlineMs: number | null
  readonly createdBy: string
  readonly requestId: string
  readonly idempotencyKey: string | null
  readonly bodyHash: string | null
  readonly allowNone: boolean
  readonly broker: string
  /** The service that drives it. */
  readonly owner: string
  readonly condition: string
  readonly parameters: readonly unknown[]
  /**
   * For hosts with a session or SSH settings (the driver finds out more), and for the others; if both begin with a call, it is the same one.
   */
  readonly online: Opening
  readonly offline: Opening
  /** What plain runs have not: they are stored by the same words as ever. */
  readonly special: { readonly control: unknown; readonly dry: boolean; readonly retryOf: string | null } | null
}
export type PickedHost = {
  readonly id: string
  readonly name: string
  readonly online: boolean
  readonly transport: TransportName
  readonly ssh: boolean
  readonly call: string | null
}

const terminal = (opening: Opening) => !opening.gathered && !opening.call && opening.held !== true
const json = (value: unknown) => (value === undefined || value === null ? null : JSON.stringify(value))

/**
 * Planning costs more than running when few hosts are picked, so short conditions are prepared. Only short ones: there are few of them, and
 * each prepared statement takes memory on every connection.
 */
const preparedLengthMax = 130
const preparedAs = (condition: string): { name?: string } =>
  condition.length > preparedLengthMax
    ? {}
    : { name: `create-run-${createHash('sha256').update(condition).digest('hex').slice(0, 16)}` }

/**
 * Resolves the selector and stores run, targets and first calls with their ids, in one statement: all of it is committed before anything is
 * sent. `null` when a run with this idempotency key exists already.
 */
export const createRun = async (sql: Sql, run: NewRun): Promise<PickedHost[] | null> => {
  const { online, offline } = run
  const fixed: unknown[] = [
    run.id, run.selector, JSON.stringify(run.pipeline), run.timeoutMs, run.createdBy, run.requestId, // 6
    run.idempotencyKey, run.bodyHash, run.allowNone, // 9
    online.state, online.step, json(online.cursor), online.gathered, json(online.value), json(online.failure), // 15
    offline.state, offline.step, json(offline.cursor), offline.gathered, json(offline.value), json(offline.failure), // 21
    online.call, terminal(online), terminal(offline), run.broker, // 25
    offline.call, run.waitOnlineMs, run.owner, // 28
  ] // prettier-ignore
  const { special } = run
  const at = fixed.length
  const more = special
    ? { columns: ', control, dry, retry_of', values: `, $${at + 1}::json, $${at + 2}::bool, $${at + 3}::uuid` }
    : { columns: '', values: '' }
  if (special) fixed.push(json(special.control), special.dry, special.retryOf)
  const condition = run.condition.replace(/\$(\d+)/g, (_, n: string) => `$${Number(n) + fixed.length}`)
  const { rows } = await sql.query<{
    id: string | null
    name: string
    online: boolean
    transport: TransportName
    ssh: boolean
    call: string | null
    made: boolean
  }>({
    ...(special ? {} : preparedAs(condition)),
    text: `
with p as materialized (
  select h.id, h.name, h.transport, h.ssh is not null as ssh, w.online, mote.new_id() as call_id, s.epoch, s.broker,
    case when w.online then $22::bool else $26::bool end as calls
  from mote.host h left join mote.session s on s.host = h.id
    cross join lateral (select s.host is not null and s.ended_at is null or h.ssh is not null as online) w
  where h.state <> 'revoked' and ${condition}),
n as (select count(*)::int as expected,
    count(*) filter (where case when online then not $23::bool else not $24::bool end)::int as open,
    count(*) filter (where case when online then $23::bool and $10 = 'ok' else $24::bool and $16 = 'ok' end)::int as ok
  from p),
r as (
  insert into mote.run (id, selector, pipeline, timeout_ms, wait_online_ms, created_by, request_id, idempotency_key, body_hash, expected, open, ok, failed, state, finished_at, owner${more.columns})
  select $1::uuid, $2, $3::json, $4::int, $27::int, $5, $6, $7, $8, expected, open, ok, expected - open - ok,
    case when open = 0 then 'done' else 'running' end, case when open = 0 then now() end, $28::uuid${more.values}
  from n where expected > 0 or $9::bool
  on conflict (created_by, idempotency_key) where idempotency_key is not null do nothing
  returning id),
t as (
  insert into mote.target (run, host, host_name, state, step, cursor, gathered, value, failure, call, call_state, call_at, epoch, ms, finished_at)
  select r.id, p.id, p.name, case when online then $10 else $16 end, case when online then $11 else $17 end,
    case when online then $12::json else $18::json end, case when online then $13::bool else $19::bool end,
    case when online then $14::json else $20::json end, case when online then $15::json else $21::json end,
    case when calls then call_id end,
    case when calls then case when online and broker = $25::uuid then 'sent' else 'queued' end end,
    case when calls then now() end, case when online and calls then epoch end,
    case when (case when online then $23::bool else $24::bool end) then 0 end,
    case when (case when online then $23::bool else $24::bool end) then now() end
  from p, r)
select p.id, p.name, p.online, p.transport, p.ssh, case when p.calls then p.call_id end as call, (select count(*) from r) > 0 as made
from (select 1) one left join p on true order by p.name`,
    values: [...fixed, ...run.parameters],
  })
  const found = rows.filter((row): row is PickedHost & { made: boolean } => row.id !== null)
  if (rows[0]?.made !== true && (found.length > 0 || run.allowNone)) return null
  return found.map(({ id, name, online, transport, ssh, call }) => ({ id, name, online, transport, ssh, call }))
}

import { query } from '../foundation/query.ts'

/** A call as Postgres has it: the one its target is at, or an earlier one of it. */
export type StoredCall = {
  readonly id: string
  readonly run: string
  readonly host: string
  readonly name: string
  /** Its end; null while it has none. */
  readonly state: string | null
  /** A result that came after another end is stored beside. */
  readonly late: boolean
  readonly failure: { readonly message?: string } | null
}
export type Stored = {
  readonly calls: readonly StoredCall[]
  readonly targets: readonly {
    readonly run: string
    readonly name: string
    readonly state: string
    readonly ended: boolean
  }[]
  /** Runs whose counts are not those of their targets, or that are done with targets open. */
  readonly miscounted: readonly { readonly id: string }[]
  readonly openRuns: number
}

const calls = `
select t.call as id, t.run, t.host, t.host_name as name, case when t.finished_at is not null then t.state end as state, t.late is not null as late,
  t.failure
from mote.target t where t.call is not null
union all
select c.id, c.run, c.host, t.host_name, c.state, c.late is not null, null
from mote.call c join mote.target t on t.run = c.run and t.host = c.host`
const targets = `select run, host_name as name, state, finished_at is not null as ended from mote.target`
const miscounted = `
select r.id from mote.run r left join lateral (
  select count(*)::int as all, count(*) filter (where finished_at is null)::int as open, count(*) filter (where finished_at is not null and state = 'ok')::int as ok,
    count(*) filter (where finished_at is not null and state <> 'ok')::int as failed from mote.target t where t.run = r.id) n on true
where (r.expected, r.open, r.ok, r.failed) is distinct from (n.all, n.open, n.ok, n.failed) or (r.state = 'done') <> (n.open = 0)`

/** Hosts that brokers do not let in, and why. */
export const readKeptOut = (url: string): Promise<{ name: string; state: string; reason: string | null }[]> =>
  query(
    url,
    `select name, state, state_reason as reason from mote.host where state <> 'enrolled' order by name limit 8`,
  )

export const readStored = async (url: string): Promise<Stored> => ({
  calls: await query(url, calls),
  targets: await query(url, targets),
  miscounted: await query(url, miscounted),
  openRuns: (await query<{ id: string }>(url, `select id from mote.run where state <> 'done'`)).length,
})

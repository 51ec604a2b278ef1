import type { Sql } from './sql.ts'

/** Another service on this Postgres whose lease is good. */
export type Peer = { readonly id: string; readonly life: string; readonly broker: string | null }
export type Own = {
  readonly id: string
  readonly life: string
  readonly broker: string | null
  readonly endpoint: string | null
}

/** How long a lease is good after it was renewed, on the database's clock. */
export const leaseMs = 10_000
/** Endpoints of services that have been away for longer are told to agents no more. */
const endpointsKeptMs = 600_000
const until = `now() + interval '${leaseMs} ms'`

/** Begins a life: whoever ran on this state folder before is no more, and what it drove is ours. */
export const takeLease = async (sql: Sql, { id, life }: Pick<Own, 'id' | 'life'>): Promise<void> => {
  await sql.query(
    `insert into mote.replica (id, life, lease_until) values ($1, $2, ${until})
     on conflict (id) do update set life = excluded.life, broker = null, lease_until = excluded.lease_until`,
    [id, life],
  )
}

export type Renewed = {
  /** The lease had expired before: others may have taken up what was ours. */
  readonly lapsed: boolean
  readonly peers: readonly Peer[]
  /** Of all services, this one included, in one order. */
  readonly endpoints: readonly string[]
}
/** Renews, and answers who else is there; null when another process has taken this life's place. */
export const renewLease = async (sql: Sql, own: Own): Promise<Renewed | null> => {
  const { rows } = await sql.query<{ lapsed: boolean | null; peers: Peer[]; endpoints: string[] }>({
    name: 'renew-lease',
    text: `
with own as (select lease_until < now() as lapsed from mote.replica where id = $1 and life = $2 for update),
renewed as (update mote.replica r set lease_until = ${until}, broker = $3, endpoint = coalesce($4, r.endpoint) from own
  where r.id = $1 and r.life = $2 returning own.lapsed),
others as (select id, life, broker, endpoint, lease_until > now() as alive from mote.replica
  where id <> $1 and lease_until > now() - interval '${endpointsKeptMs} ms')
select (select lapsed from renewed) as lapsed,
  coalesce((select json_agg(json_build_object('id', id, 'life', life, 'broker', broker) order by id) from others where alive), '[]') as peers,
  coalesce((select json_agg(endpoint order by endpoint) from (
    select endpoint from others where endpoint is not null union select $4::text where $4::text is not null) e), '[]') as endpoints`,
    values: [own.id, own.life, own.broker, own.endpoint],
  })
  const [row] = rows
  if (!row || row.lapsed === null) return null
  return { lapsed: row.lapsed, peers: row.peers, endpoints: row.endpoints }
}

/** Ends the lease at once, so that others go on with what is left. */
export const giveUpLease = async (sql: Sql, { id, life }: Pick<Own, 'id' | 'life'>): Promise<void> => {
  await sql.query('update mote.replica set lease_until = now() where id = $1 and life = $2', [id, life])
}

/**
 * Takes over the running runs of services whose lease has expired, and of those nobody has heard of. An expired one that comes back meanwhile waits
 * for this, and then sees that it had lapsed.
 */
export const claimRuns = async (sql: Sql, replica: string): Promise<string[]> => {
  const { rows } = await sql.query<{ id: string }>(
    `with gone as materialized (select id from mote.replica where id <> $1 and lease_until <= now() for update skip locked)
     update mote.run r set owner = $1
     where r.state = 'running' and r.owner is distinct from $1
       and (r.owner is null or r.owner in (select id from gone) or not exists (select from mote.replica p where p.id = r.owner))
     returning r.id`,
    [replica],
  )
  return rows.map(row => row.id)
}

/** Those of the runs that another service drives now. */
export const runsOfOthers = async (sql: Sql, replica: string, runs: readonly string[]): Promise<string[]> => {
  const { rows } = await sql.query<{ id: string }>(
    'select id from mote.run where id = any($1::uuid[]) and owner is distinct from $2',
    [runs, replica],
  )
  return rows.map(row => row.id)
}

export type LiveSession = { readonly host: string; readonly epoch: number }
/** Sessions of one broker, live (or ended by somebody else than itself). */
export const sessionsOf = async (sql: Sql, broker: string, { ended }: { ended: boolean }): Promise<LiveSession[]> => {
  const { rows } = await sql.query<{ host: string; epoch: string }>(
    'select host, epoch from mote.session where broker = $1 and (ended_at is not null) = $2',
    [broker, ended],
  )
  return rows.map(({ host, epoch }) => ({ host, epoch: Number(epoch) }))
}

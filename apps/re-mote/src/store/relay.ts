import type { Sql } from './sql.ts'

export type Outgoing = { readonly to: string; readonly items: readonly unknown[] }
export type Incoming = {
  readonly id: string
  /** The same when its sender stored it twice; null: of an earlier version. */
  readonly batch: string | null
  readonly from: string
  readonly items: readonly unknown[]
}

const batchesMax = 64
const staleAfter = '10 min'

/** Stores one batch for other services, a row for each, and wakes them. Safe to repeat: who reads knows the batch by its id. */
export const putRelay = async (
  sql: Sql,
  { from, batch, to }: { readonly from: string; readonly batch: string; readonly to: readonly Outgoing[] },
): Promise<void> => {
  await sql.query({
    name: 'put-relay',
    text: `with put as (insert into mote.relay (to_replica, from_replica, batch, items)
             select b.to_replica, $1, $2, b.items from unnest($3::uuid[], $4::json[]) as b(to_replica, items) returning to_replica)
           select pg_notify('mote_relay', to_replica::text) from (select distinct to_replica from put) w`,
    values: [from, batch, to.map(one => one.to), to.map(one => JSON.stringify(one.items))],
  })
}

/**
 * What there is for this service, in the order of each sender, without the rows `done`, which are deleted. Safe to repeat: a row stays until its
 * reader says that it has acted on it.
 */
export const readRelay = async (
  sql: Sql,
  to: string,
  done: readonly string[],
): Promise<{ batches: Incoming[]; isMore: boolean }> => {
  const { rows } = await sql.query<{ id: string; batch: string | null; from_replica: string; items: unknown[] }>({
    name: 'read-relay',
    text: `with gone as (delete from mote.relay where id = any($2::bigint[]))
           select id::text, batch, from_replica, items from mote.relay where to_replica = $1 and id <> all($2::bigint[])
           order by mote.relay.id limit ${batchesMax}`,
    values: [to, done],
  })
  return {
    batches: rows.map(({ from_replica: from, ...row }) => ({ ...row, from })),
    isMore: rows.length === batchesMax,
  }
}

/** Throws away what was meant for an earlier life of this service, and what nobody has come for. */
export const clearRelay = async (sql: Sql, to: string): Promise<void> => {
  await sql.query(`delete from mote.relay where to_replica = $1 or at < now() - interval '${staleAfter}'`, [to])
}

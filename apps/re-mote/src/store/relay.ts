import type { Sql } from './sql.ts'

export type Outgoing = { readonly to: string; readonly items: readonly unknown[] }
export type Incoming = { readonly from: string; readonly items: readonly unknown[] }

const batchesMax = 64
const staleAfter = '10 min'

/** Stores batches for other services and wakes them. */
export const putRelay = async (sql: Sql, from: string, batches: readonly Outgoing[]): Promise<void> => {
  await sql.query({
    name: 'put-relay',
    text: `with put as (insert into mote.relay (to_replica, from_replica, items)
             select b.to_replica, $1, b.items from unnest($2::uuid[], $3::json[]) as b(to_replica, items) returning to_replica)
           select pg_notify('mote_relay', to_replica::text) from (select distinct to_replica from put) w`,
    values: [from, batches.map(one => one.to), batches.map(one => JSON.stringify(one.items))],
  })
}

/** Takes what there is for this service, in the order of each sender. What is taken is acted on at most once. */
export const takeRelay = async (sql: Sql, to: string): Promise<{ batches: Incoming[]; isMore: boolean }> => {
  const { rows } = await sql.query<{ from_replica: string; items: unknown[] }>({
    name: 'take-relay',
    text: `with first as (select id from mote.relay where to_replica = $1 order by id limit ${batchesMax}),
             taken as (delete from mote.relay r using first where r.id = first.id returning r.id, r.from_replica, r.items)
           select from_replica, items from taken order by id`,
    values: [to],
  })
  return {
    batches: rows.map(row => ({ from: row.from_replica, items: row.items })),
    isMore: rows.length === batchesMax,
  }
}

/** Throws away what was meant for an earlier life of this service, and what nobody has come for. */
export const clearRelay = async (sql: Sql, to: string): Promise<void> => {
  await sql.query(`delete from mote.relay where to_replica = $1 or at < now() - interval '${staleAfter}'`, [to])
}

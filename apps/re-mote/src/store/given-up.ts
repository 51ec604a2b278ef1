import type { Sql } from './sql.ts'

/** A call that ended `lost` although its host may hold it, begin it, or still run it. `cancel`: it was being cancelled, so it is to be ended there. */
export type GivenUp = {
  readonly id: string
  readonly host: string
  readonly step: string
  readonly acked: boolean
  readonly cancel: boolean
}

/** Who has not come back for so long is asked no more. */
const keptFor = '30 days'

/** Noted before the end is, so that no death in between forgets it; to ask about a call that has not ended does no harm. */
export const noteGivenUp = async (sql: Sql, calls: readonly GivenUp[]): Promise<void> => {
  await sql.query({
    name: 'note-given-up',
    text: `insert into mote.given_up (host, call, step, acked, cancel)
           select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bool[], $5::bool[]) on conflict do nothing`,
    values: [
      calls.map(one => one.host),
      calls.map(one => one.id),
      calls.map(one => one.step),
      calls.map(one => one.acked),
      calls.map(one => one.cancel),
    ],
  })
}

/** Their hosts have said what became of them. */
export const dropGivenUp = async (sql: Sql, calls: readonly Pick<GivenUp, 'id' | 'host'>[]): Promise<void> => {
  await sql.query({
    name: 'drop-given-up',
    text: `delete from mote.given_up g using unnest($1::uuid[], $2::uuid[]) as i(host, call) where g.host = i.host and g.call = i.call`,
    values: [calls.map(one => one.host), calls.map(one => one.id)],
  })
}

/** The newest of those that are still to be asked; forgets those of hosts that never came back. */
export const findGivenUp = async (sql: Sql, max: number): Promise<GivenUp[]> => {
  const { rows } = await sql.query<GivenUp>(
    `with old as (delete from mote.given_up where at < now() - interval '${keptFor}')
     select call as id, host, step, acked, cancel from mote.given_up order by at desc limit $1`,
    [max],
  )
  return rows
}

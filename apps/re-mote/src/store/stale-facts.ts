import type { Sql } from './sql.ts'

export type StaleHost = { readonly id: string; readonly name: string }

/** Hosts with a session whose facts nobody has read for that long, or ever: the oldest first. */
export const findStaleFacts = async (
  sql: Sql,
  { hours, limit }: { readonly hours: number; readonly limit: number },
): Promise<StaleHost[]> => {
  const { rows } = await sql.query<StaleHost>(
    `select h.id, h.name from mote.host h join mote.session s on s.host = h.id and s.ended_at is null
where h.state = 'enrolled' and (h.facts_at is null or h.facts_at < now() - $1::float8 * interval '1 hour')
order by h.facts_at nulls first, h.id limit $2`,
    [hours, limit],
  )
  return rows
}

import type { Sql } from './sql.ts'

export type HostFacts = { readonly host: string; readonly facts: Readonly<Record<string, unknown>> }

/** All facts of one host as text. */
const factsBytesMax = 1_048_576

/** Adds facts, one row per host; those of the same name are replaced. What would grow beyond the limit stays as it was. */
export const commitFacts = async (sql: Sql, batch: readonly HostFacts[]): Promise<void> => {
  await sql.query({
    name: 'commit-facts',
    text: `
update mote.host h set facts = h.facts || i.facts, facts_at = now()
from unnest($1::uuid[], $2::jsonb[]) as i(host, facts)
where h.id = i.host and octet_length((h.facts || i.facts)::text) <= $3::int`,
    values: [batch.map(one => one.host), batch.map(one => JSON.stringify(one.facts)), factsBytesMax],
  })
}

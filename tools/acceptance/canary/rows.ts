import type { Pool } from '@re-ops/service'

/** All rows of all tables of a database as text, the queue's too. */
export const rowsOf = async (pool: Pool): Promise<string> => {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  const all = await Promise.all(
    tables.map(({ name }) => pool.query<{ t: string }>(`select t::text as t from ${name} t`)),
  )
  return all.flatMap(one => one.rows.map(row => row.t)).join('\n')
}

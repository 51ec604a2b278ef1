import type { SavedSelector } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

type SelectorRow = { name: string; selector: string; doc: string | null; saved_by: string; saved_at: Date }
const columns = 'name, selector, doc, saved_by, saved_at'
const savedOf = (row: SelectorRow): SavedSelector => ({
  name: row.name,
  on: row.selector,
  doc: row.doc,
  savedBy: row.saved_by,
  savedAt: row.saved_at.toISOString(),
})

export const listSelectors = async (sql: Sql): Promise<SavedSelector[]> => {
  const { rows } = await sql.query<SelectorRow>(`select ${columns} from mote.selector order by name`)
  return rows.map(savedOf)
}

/** Those of the names that are saved. In a transaction they stay as they are until it ends. */
export const readSelectors = async (sql: Sql, names: readonly string[]): Promise<SavedSelector[]> => {
  const { rows } = await sql.query<SelectorRow>(
    `select ${columns} from mote.selector where name = any($1::text[]) order by name for share`,
    [names],
  )
  return rows.map(savedOf)
}

/** Who changes selectors waits for the other: two that are saved at once must not lead to one another. Readers go on. */
export const lockSelectors = async (sql: Sql): Promise<void> => {
  await sql.query('lock table mote.selector in share row exclusive mode')
}

export const saveSelector = async (
  sql: Sql,
  one: { name: string; on: string; doc: string | null; savedBy: string },
): Promise<SavedSelector> => {
  const { rows } = await sql.query<SelectorRow>(
    `insert into mote.selector (name, selector, doc, saved_by) values ($1, $2, $3, $4)
     on conflict (name) do update set selector = excluded.selector, doc = excluded.doc, saved_by = excluded.saved_by, saved_at = now()
     returning ${columns}`,
    [one.name, one.on, one.doc, one.savedBy],
  )
  return savedOf(rows[0] as SelectorRow)
}

export const removeSelector = async (sql: Sql, name: string): Promise<SavedSelector | null> => {
  const { rows } = await sql.query<SelectorRow>(`delete from mote.selector where name = $1 returning ${columns}`, [
    name,
  ])
  return rows[0] ? savedOf(rows[0]) : null
}

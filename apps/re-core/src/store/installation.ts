import { newId } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

/** Made once, at the first start on this database; part of every identity, so two installations never touch. */
export const installationId = async (sql: Sql): Promise<string> => {
  await sql.query('insert into core.installation (id) values ($1) on conflict do nothing', [newId()])
  const { rows } = await sql.query<{ id: string }>('select id from core.installation')
  const row = rows[0]
  if (row === undefined) throw new Error('core.installation is empty although it was just written')
  return row.id
}

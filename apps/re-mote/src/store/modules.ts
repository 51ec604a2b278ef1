import type { Module, SignedModule } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

export type ModuleRow = {
  hash: string
  code: string
  operations: Module['operations']
  limits: Module['limits']
  pushed_by: string
  pushed_at: Date
  sign_key: string
  signature: string
  revoked_at: Date | null
  revoked_by: string | null
}
type Listed = Omit<ModuleRow, 'code' | 'sign_key' | 'signature'> & { code_bytes: number }

export const moduleOf = (row: Listed): Module => ({
  hash: row.hash,
  operations: row.operations,
  limits: row.limits,
  codeBytes: row.code_bytes,
  pushedBy: row.pushed_by,
  pushedAt: row.pushed_at.toISOString(),
  revokedAt: row.revoked_at?.toISOString() ?? null,
  revokedBy: row.revoked_by,
})
const listed =
  'hash, octet_length(code) as code_bytes, operations, limits, pushed_by, pushed_at, revoked_at, revoked_by'

/** Whether it is new: the same hash is the same module, whoever pushes it again. */
export const insertModule = async (sql: Sql, module: SignedModule): Promise<boolean> => {
  const { hash, code, operations, limits, subject, key, signature } = module
  const { rowCount } = await sql.query(
    `insert into mote.module (hash, code, operations, limits, pushed_by, sign_key, signature)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (hash) do nothing`,
    [hash, code, JSON.stringify(operations), JSON.stringify(limits), subject, key, signature],
  )
  return rowCount === 1
}

export const findModules = async (sql: Sql, hashes: readonly string[]): Promise<ModuleRow[]> =>
  (await sql.query<ModuleRow>('select * from mote.module where hash = any($1::text[])', [hashes])).rows

/** Newest first. */
export const listModules = async (sql: Sql, limit: number): Promise<Module[]> => {
  const { rows } = await sql.query<Listed>(`select ${listed} from mote.module order by pushed_at desc, hash limit $1`, [
    limit,
  ])
  return rows.map(moduleOf)
}

export const findModule = async (sql: Sql, hash: string): Promise<Module | null> => {
  const { rows } = await sql.query<Listed>(`select ${listed} from mote.module where hash = $1`, [hash])
  return rows[0] ? moduleOf(rows[0]) : null
}

/** The module as it is afterwards, and whether this revoked it; null when there is none. */
export const revokeModule = async (
  sql: Sql,
  hash: string,
  subject: string,
): Promise<{ module: Module; changed: boolean } | null> => {
  const { rowCount } = await sql.query(
    'update mote.module set revoked_at = now(), revoked_by = $2 where hash = $1 and revoked_at is null',
    [hash, subject],
  )
  const module = await findModule(sql, hash)
  return module && { module, changed: rowCount === 1 }
}

/** What agents are told when they come: the latest, a bounded number. */
export const revokedModules = async (sql: Sql, limit: number): Promise<string[]> => {
  const { rows } = await sql.query<{ hash: string }>(
    'select hash from mote.module where revoked_at is not null order by revoked_at desc limit $1',
    [limit],
  )
  return rows.map(row => row.hash)
}

export const resignModule = async (sql: Sql, { hash, key, signature }: SignedModule): Promise<void> => {
  await sql.query('update mote.module set sign_key = $2, signature = $3 where hash = $1', [hash, key, signature])
}

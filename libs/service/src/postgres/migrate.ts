import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { withRetry } from './lost.ts'
import type { Pool, Tx } from './pool.ts'

/** Forward only. `sql` runs with `search_path` set to the schema, so unqualified names land in it. */
export type Migration = { readonly name: string; readonly sql: string }
export type MigrateOptions = {
  readonly pool: Pool
  readonly schema: string
  readonly migrations: readonly Migration[]
  readonly log: Log
}

const checksum = (sql: string): string => createHash('sha256').update(sql).digest('hex')

const ensureTable = async (tx: Tx, schema: string, table: string): Promise<void> => {
  const { rows } = await tx.query<{ there: boolean }>('select to_regnamespace($1) is not null as there', [
    pg.escapeIdentifier(schema),
  ])
  // Not "if not exists": a role that owns its schema need not be allowed to make others.
  if (!rows[0]?.there) await tx.query(`create schema ${pg.escapeIdentifier(schema)}`)
  await tx.query(`create table if not exists ${table} (
    position integer primary key, name text not null unique, checksum text not null, applied_at timestamptz not null default now())`)
}

const refuse = (schema: string, why: string): never => {
  throw new StartError(`database schema ${schema}: ${why}`)
}

/**
 * What is still to do, by name: services append theirs before those that they share. Refuses a database that is newer
 * than this program or was made by another text.
 */
const pending = async (
  { schema, migrations }: MigrateOptions,
  tx: Tx,
  table: string,
): Promise<readonly Migration[]> => {
  const { rows } = await tx.query<{ name: string; checksum: string }>(
    `select name, checksum from ${table} order by position`,
  )
  const known = new Map(migrations.map(one => [one.name, one]))
  for (const row of rows) {
    const here = known.get(row.name)
    if (here === undefined)
      refuse(
        schema,
        `migration ${row.name} is unknown here: the database is newer than this program; update the program`,
      )
    else if (checksum(here.sql) !== row.checksum)
      refuse(schema, `migration ${row.name} was changed after it was applied; add a new one`)
  }
  const applied = new Set(rows.map(row => row.name))
  return migrations.filter(one => !applied.has(one.name))
}

/** How long a Postgres that is busy, or goes away meanwhile, is waited for. */
const waitMs = 30_000

/**
 * Applies what is missing, each migration in its own transaction; processes that start together wait for one another. Answers the names of those
 * that it applied itself.
 */
export const migrate = async (options: MigrateOptions): Promise<readonly string[]> => {
  const applied: string[] = []
  await withRetry(() => applyMissing(options, applied), { forMs: waitMs })
  return applied
}

const applyMissing = async (options: MigrateOptions, applied: string[]): Promise<void> => {
  const { pool, schema, log } = options
  const table = `${pg.escapeIdentifier(schema)}.migration`
  const client = await pool.connect()
  let done = false
  try {
    await client.query('set statement_timeout = 0')
    await client.query("select pg_advisory_lock(hashtext('re-ops migrate'), hashtext($1))", [schema])
    await ensureTable(client, schema, table)
    const todo = await pending(options, client, table)
    for (const migration of todo) {
      await client.query('begin')
      await client.query(`set local search_path to ${pg.escapeIdentifier(schema)}, public`)
      await client.query(migration.sql)
      await client.query(`insert into ${table} (position, name, checksum) select count(*) + 1, $1, $2 from ${table}`, [
        migration.name,
        checksum(migration.sql),
      ])
      await client.query('commit')
      applied.push(migration.name)
      log.info({ schema, migration: migration.name }, 'migration applied')
    }
    await client.query("select pg_advisory_unlock(hashtext('re-ops migrate'), hashtext($1))", [schema])
    await client.query('reset statement_timeout')
    done = true
  } finally {
    client.release(!done) // closing the connection ends its transaction and its lock
  }
}

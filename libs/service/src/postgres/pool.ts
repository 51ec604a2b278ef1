import pg from 'pg'
import { ConfigError } from '../config.ts'
import type { Log } from '../log.ts'

export type Pool = pg.Pool
/** A connection inside a transaction; everything a store function needs. */
export type Tx = pg.PoolClient
/** Whatever can run a query: the pool, or the connection of a transaction. */
export type Queryable = Pick<pg.Pool, 'query'>
export type PoolOptions = {
  readonly url: string
  readonly log: Log
  readonly max?: number
  readonly applicationName?: string
  /** One statement's limit on the server, default 30 s: a stuck query must not hold a connection for ever. */
  readonly statementTimeoutMs?: number
  /** Within which a new connection must stand, default 5 s. */
  readonly connectTimeoutMs?: number
}

/** bigint and count(*) arrive as numbers: everything we count is far below 2^53. */
const numbers = (): pg.CustomTypesConfig => {
  const types = new pg.TypeOverrides()
  types.setTypeParser(pg.types.builtins.INT8, Number)
  return types
}

/** Throws ConfigError for what is not a Postgres URL, without showing it (it holds a password). */
export const checkDatabaseUrl = (url: string): string => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed && /^postgres(ql)?:$/.test(parsed.protocol) && parsed.pathname.length > 1) return url
  throw new ConfigError(['DATABASE_URL: must be a postgres:// URL with user, password, host, port and database'])
}

/** A pool whose idle connections may die at any time: that is logged, and the next query opens a new one. */
export const makePool = (options: PoolOptions): Pool => {
  const { url, log, max = 10, applicationName, statementTimeoutMs = 30_000, connectTimeoutMs = 5_000 } = options
  const pool = new pg.Pool({
    connectionString: checkDatabaseUrl(url),
    max,
    types: numbers(),
    application_name: applicationName ?? 're-ops',
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    keepAlive: true,
  })
  pool.on('error', error => log.warn({ err: error }, 'an idle Postgres connection was lost'))
  // A checked-out connection reports its loss to the query that waits; without a listener a loss between queries would throw.
  pool.on('connect', client => client.on('error', error => log.debug({ err: error }, 'a Postgres connection was lost')))
  return pool
}

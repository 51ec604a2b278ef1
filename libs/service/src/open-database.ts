import { join } from 'node:path'
import pg from 'pg'
import { startPostgres, type EmbeddedPostgres } from './embedded/start.ts'
import { explain } from './explain.ts'
import type { Log } from './log.ts'
import { withRetry } from './postgres/lost.ts'
import { checkDatabaseUrl } from './postgres/pool.ts'
import { StartError } from './start-error.ts'

export type Database = { readonly url: string; readonly embedded: EmbeddedPostgres | null; stop(): Promise<void> }
export type OpenDatabase = {
  readonly databaseUrl: string | undefined
  readonly stateFolder: string
  readonly log: Log
  /** How long a Postgres that does not answer yet is waited for, default 10 s. */
  readonly waitMs?: number
}

/** Proves that the URL works, so that a wrong one is told at the start and not by the first request. */
export const checkDatabase = async (url: string, waitMs = 10_000): Promise<void> => {
  const connectionString = checkDatabaseUrl(url)
  const connect = async (): Promise<void> => {
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 })
    client.on('error', () => undefined) // reported by connect() itself
    try {
      await client.connect()
    } finally {
      await client.end()
    }
  }
  await withRetry(connect, { forMs: waitMs }).catch((error: unknown) => {
    const said = explain(error)
    const why = /^Connection terminated|ECONNRESET|EPIPE/.test(said)
      ? `what listens at ${new URL(url).host} ended the connection; is it Postgres? Correct the URL`
      : said
    throw new StartError(`DATABASE_URL: ${why}`)
  })
}

/** The database of a service: the given URL, or an embedded PostgreSQL in `<state>/postgres` that ends with the service. */
export const openDatabase = async ({ databaseUrl, stateFolder, log, waitMs }: OpenDatabase): Promise<Database> => {
  if (databaseUrl) {
    await checkDatabase(databaseUrl, waitMs)
    return { url: databaseUrl, embedded: null, stop: async () => undefined }
  }
  const embedded = await startPostgres({ folder: join(stateFolder, 'postgres'), log })
  return { url: embedded.url, embedded, stop: () => embedded.stop() }
}

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

export type TestPostgres = {
  /** URL (superuser) of an empty database of this test file's own. */
  readonly url: string
  /** URL of the cluster's first database, for `create role` and the like. Roles are shared by all test files: name them by `name`. */
  readonly adminUrl: string
  /** The database's name, unique. */
  readonly name: string
  /** Drops the database, whoever is still connected. */
  drop(): Promise<void>
}

const startWithinMs = 60_000
/** Jest's main process: the parent of a worker, or this process when tests run in band. */
const jestPid = (): number => (process.argv[1]?.includes('processChild') ? process.ppid : process.pid)

const cluster = async (): Promise<string> => {
  const folder = join(tmpdir(), `re-ops-test-postgres-${jestPid()}`)
  const first = await mkdir(folder, { mode: 0o700 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )
  if (first) {
    const keeper = createRequire(import.meta.url).resolve('./keeper.ts')
    spawn(process.execPath, [keeper, folder, String(jestPid())], { detached: true, stdio: 'ignore' }).unref()
  }
  const deadline = Date.now() + startWithinMs
  while (Date.now() < deadline) {
    const text = await readFile(join(folder, 'address.json'), 'utf8').catch(() => null)
    const { url, error } = JSON.parse(text ?? '{}') as { url?: string; error?: string }
    if (error) throw new Error(error)
    if (url) return url
    await delay(30)
  }
  throw new Error(`the shared test PostgreSQL in ${folder} did not start within ${startWithinMs} ms`)
}

const ask = async (url: string, sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** A pool for a test's own questions. A connection that is lost while its database is dropped is nobody's fault. */
export const testPool = (url: string, max = 2): pg.Pool => {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on('error', () => undefined)
  return pool
}

/** A fresh database on a real PostgreSQL shared by the whole jest run (started by the first who asks, about 2 s; then about 50 ms). */
export const testPostgres = async (): Promise<TestPostgres> => {
  const adminUrl = await cluster()
  const name = `test_${randomBytes(6).toString('hex')}`
  await ask(adminUrl, `create database ${name} template template0`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return { url: url.href, adminUrl, name, drop: () => ask(adminUrl, `drop database if exists ${name} with (force)`) }
}

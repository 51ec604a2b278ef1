import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { makeLog } from '../log.ts'
import { isConnectionLost, withRetry } from '../postgres/lost.ts'
import { makePool } from '../postgres/pool.ts'
import { until } from '../testing/wait.ts'
import { startPostgres, type EmbeddedPostgres } from './start.ts'

const log = makeLog({ service: 'test', level: 'silent' })
let home: string
let folder: string
let running: EmbeddedPostgres | undefined
const children: ChildProcess[] = []

const start = async (options = {}): Promise<EmbeddedPostgres> =>
  (running = await startPostgres({ folder, log, ...options }))
const ask = async (url: string, sql: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined) // a kill is what these tests do
  await client.connect()
  try {
    return (await client.query(sql)).rows as unknown[]
  } finally {
    await client.end()
  }
}
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 're-ops-embedded-'))
  await chmod(home, 0o700)
  folder = join(home, 'state', 'postgres')
})
afterEach(() => running?.stop())
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(home, { recursive: true, force: true })
})

describe('one folder through its life', () => {
  test('starts in an empty folder that is private to this user (also as root), with a password, on loopback', async () => {
    const postgres = await start()
    expect(await ask(postgres.url, 'select 1 as n')).toEqual([{ n: 1 }])
    expect((await ask(postgres.url, 'show server_version'))[0]).toMatchObject({
      server_version: expect.stringMatching(/^18\./),
    })
    expect((await ask(postgres.url, 'show listen_addresses'))[0]).toEqual({ listen_addresses: '127.0.0.1' })
    expect((await stat(`${folder}.password`)).mode & 0o777).toBe(0o600)
    expect((await stat(home)).mode & 0o777).toBe(0o700)
    const wrong = new URL(postgres.url)
    wrong.password = 'wrong'
    await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
    await ask(postgres.url, 'create table kept (n int); insert into kept values (42)')
    await postgres.stop()
    expect(await postgres.exited).toEqual({ wanted: true })
    expect([isAlive(postgres.pid), existsSync(join(folder, 'postmaster.pid'))]).toEqual([false, false])
  })

  test('after kill -9 of the server it is seen to be gone, and starts again with what was committed', async () => {
    const postgres = await start()
    await ask(postgres.url, 'insert into kept values (43)')
    const busy = ask(postgres.url, 'select pg_sleep(60)').catch((error: unknown) => error)
    process.kill(postgres.pid, 'SIGKILL')
    expect(await postgres.exited).toEqual({ wanted: false })
    const began = performance.now()
    const again = await start()
    process.stderr.write(`restart after kill -9 of postgres: ${Math.round(performance.now() - began)} ms\n`)
    expect(await ask(again.url, 'select n from kept order by n')).toEqual([{ n: 42 }, { n: 43 }])
    expect(isConnectionLost(await busy)).toBe(true)
  })

  test('a pool outlives kill -9 of the server: errors meanwhile say so, and a retry gets through to the next one', async () => {
    const postgres = await start()
    const pool = makePool({ url: postgres.url, log })
    await pool.query('select 1')
    process.kill(postgres.pid, 'SIGKILL')
    await postgres.exited
    expect(isConnectionLost(await pool.query('select 1').catch((error: unknown) => error))).toBe(true)
    const retried = withRetry(() => pool.query('select count(*) as n from kept'))
    await start({ port: postgres.port })
    expect((await retried).rows).toEqual([{ n: 2 }])
    await pool.end()
  })

  test('a lock left by a process whose pid is now another one does not keep it from starting', async () => {
    const first = await start()
    await first.stop()
    await writeFile(join(folder, 'postmaster.pid'), `${process.pid}\n${folder}\n1\n5432\n\n127.0.0.1\n`, {
      mode: 0o600,
    })
    expect(await ask((await start()).url, 'select 1 as n')).toEqual([{ n: 1 }])
  })

  test('a second server on the folder of a live one is refused in one line, and the first is unharmed', async () => {
    const first = await start()
    await expect(startPostgres({ folder, log, waitMs: 300 })).rejects.toThrow(/does not start.*postmaster\.pid/)
    expect(await ask(first.url, 'select 1 as n')).toEqual([{ n: 1 }])
  })

  test('a given port that is taken is refused in one line', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await until(() => taken.listening)
    const { port } = taken.address() as { port: number }
    await expect(startPostgres({ folder, log, port })).rejects.toThrow(new RegExp(`port ${port}.*in use`))
    await new Promise(resolve => taken.close(resolve))
    const postgres = await start({ port })
    expect(postgres.port).toBe(port)
  })

  test('kill -9 of the parent ends the server, and the next parent starts on the folder at once', async () => {
    const script = createRequire(import.meta.url).resolve('../testing/parent.ts')
    const parent = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(parent)
    const line = await new Promise<string>(resolve => createInterface({ input: parent.stdout }).once('line', resolve))
    const { pid, url } = JSON.parse(line) as { pid: number; url: string }
    const busy = ask(url, 'select pg_sleep(60)').catch((error: unknown) => error)
    const began = performance.now()
    parent.kill('SIGKILL')
    const next = start()
    await until(() => !isAlive(pid), 5000)
    process.stderr.write(`postgres gone after kill -9 of its parent: ${Math.round(performance.now() - began)} ms\n`)
    expect(await ask((await next).url, 'select count(*)::int as n from kept')).toEqual([{ n: 2 }])
    expect(isConnectionLost(await busy)).toBe(true)
  })
})

test('a folder that cannot be made is one line', async () => {
  await writeFile(join(home, 'file'), '')
  await expect(startPostgres({ folder: join(home, 'file', 'postgres'), log })).rejects.toThrow(/file/)
  expect(await readFile(join(home, 'file'), 'utf8')).toBe('')
})

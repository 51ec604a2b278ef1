import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { createServer, connect, type Server, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { makeLog } from '../log.ts'
import { testPostgres, type TestPostgres } from '../testing/index.ts'
import { until } from '../testing/wait.ts'
import { listen } from './listen.ts'
import { isConnectionLost, withRetry } from './lost.ts'
import { migrate, type Migration } from './migrate.ts'
import { makePool, type Pool } from './pool.ts'
import { provisionDatabase } from './provision.ts'
import { transaction } from './transaction.ts'

const log = makeLog({ service: 'test', level: 'silent' })
let postgres: TestPostgres
let pool: Pool
beforeAll(async () => {
  postgres = await testPostgres()
  pool = makePool({ url: postgres.url, log })
})
afterAll(async () => {
  await pool.end()
  await postgres.drop()
})
const kill = (name: string) =>
  pool.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [name])

describe('transaction', () => {
  test('what fails half way leaves nothing behind, and the connection is given back', async () => {
    await pool.query('create table t (n bigint)')
    const half = transaction(pool, async tx => {
      await tx.query('insert into t values (1)')
      throw new Error('half way')
    })
    await expect(half).rejects.toThrow('half way')
    expect((await pool.query('select count(*) as n from t')).rows).toEqual([{ n: 0 }])
    expect(pool.idleCount).toBe(pool.totalCount)
  })

  test('a connection lost in a transaction is an error of that transaction alone, and can be told apart', async () => {
    const own = makePool({ url: postgres.url, log, applicationName: 'victim', max: 1 })
    const lost = transaction(own, async tx => {
      await tx.query('select 1')
      await kill('victim')
      await tx.query('select 2')
    })
    expect(isConnectionLost(await lost.catch((error: unknown) => error))).toBe(true)
    expect((await own.query('select 3 as n')).rows).toEqual([{ n: 3 }])
    await own.end()
  })

  test('an idle connection that is lost does not throw', async () => {
    const own = makePool({ url: postgres.url, log, applicationName: 'idle-victim' })
    await own.query('select 1')
    await kill('idle-victim')
    await until(() => own.totalCount === 0)
    expect((await own.query('select 3 as n')).rows).toEqual([{ n: 3 }])
    await own.end()
  })
})

test('withRetry repeats what a lost connection broke and nothing else', async () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  let asked = 0
  expect(await withRetry(async () => ((asked += 1) < 3 ? Promise.reject(refused) : asked))).toBe(3)
  await expect(withRetry(() => pool.query('select nonsense'))).rejects.toThrow('nonsense')
  await expect(withRetry(() => Promise.reject(refused), { forMs: 100 })).rejects.toThrow('ECONNREFUSED')
})

describe('migrate', () => {
  const one: Migration = { name: 'one', sql: 'create table a (n int)' }
  const two: Migration = { name: 'two', sql: 'create table b (n int)' }
  const names = async (schema: string) =>
    (await pool.query<{ name: string }>(`select name from ${schema}.migration order by position`)).rows.map(r => r.name)

  test('applies what is missing, once, in order, into its schema', async () => {
    expect(await migrate({ pool, schema: 'm1', migrations: [one], log })).toEqual(['one'])
    expect(await migrate({ pool, schema: 'm1', migrations: [one, two], log })).toEqual(['two'])
    expect(await migrate({ pool, schema: 'm1', migrations: [one, two], log })).toEqual([])
    expect(
      (await pool.query("select to_regclass('m1.a') is not null and to_regclass('m1.b') is not null as ok")).rows,
    ).toEqual([{ ok: true }])
    expect(pool.idleCount).toBe(pool.totalCount)
  })

  test('one that fails leaves nothing of itself and what came before it', async () => {
    const broken: Migration = { name: 'broken', sql: 'create table c (n int); select nonsense' }
    await expect(migrate({ pool, schema: 'm2', migrations: [one, broken], log })).rejects.toThrow('nonsense')
    expect(await names('m2')).toEqual(['one'])
    expect((await pool.query("select to_regclass('m2.c') as c")).rows).toEqual([{ c: null }])
    expect(await migrate({ pool, schema: 'm2', migrations: [one, two], log })).toEqual(['two'])
  })

  test('a database that is newer, or whose migration had another text, is refused in words', async () => {
    await migrate({ pool, schema: 'm3', migrations: [one, two], log })
    await expect(migrate({ pool, schema: 'm3', migrations: [one], log })).rejects.toThrow(
      /two.*newer than this program/,
    )
    await expect(migrate({ pool, schema: 'm3', migrations: [{ ...one, sql: 'select 1' }, two], log })).rejects.toThrow(
      /one was changed/,
    )
  })

  test('one that came since is applied also where it stands before those that services share', async () => {
    await migrate({ pool, schema: 'm4', migrations: [two], log })
    expect(await migrate({ pool, schema: 'm4', migrations: [one, two], log })).toEqual(['one'])
    expect(await names('m4')).toEqual(['two', 'one'])
  })

  test('four processes at once apply each migration once', async () => {
    const migrator = createRequire(import.meta.url).resolve('../testing/migrator.ts')
    const run = async () =>
      JSON.parse((await promisify(execFile)(process.execPath, [migrator, postgres.url])).stdout) as string[]
    const applied = await Promise.all([run(), run(), run(), run()])
    expect(applied.flat().sort()).toEqual(['one', 'two'])
    expect(await names('shared')).toEqual(['one', 'two'])
    expect((await pool.query('select count(*) as n from shared.two')).rows).toEqual([{ n: 1 }])
  })
})

describe('provisionDatabase', () => {
  test('each role owns its own schemas and cannot read the other', async () => {
    const [core, mote, jobs] = [`core_${postgres.name}`, `mote_${postgres.name}`, 'jobs'] as const
    const roles = [
      { role: core, password: 'one', schema: 'core' },
      { role: core, password: 'one', schema: jobs },
      { role: mote, password: 'two', schema: 'mote' },
    ]
    await Promise.all([provisionDatabase(postgres.url, roles), provisionDatabase(postgres.url, roles)])
    const urls = await provisionDatabase(postgres.url, roles)
    const corePool = makePool({ url: urls[0]?.url ?? '', log })
    const motePool = makePool({ url: urls[2]?.url ?? '', log })
    await migrate({ pool: corePool, schema: 'core', migrations: [{ name: 'x', sql: 'create table x (n int)' }], log })
    await migrate({ pool: corePool, schema: jobs, migrations: [{ name: 'y', sql: 'create table y (n int)' }], log })
    await migrate({ pool: motePool, schema: 'mote', migrations: [{ name: 'x', sql: 'create table x (n int)' }], log })
    await expect(motePool.query('select * from core.x')).rejects.toThrow('permission denied')
    await expect(corePool.query('select * from mote.x')).rejects.toThrow('permission denied')
    await expect(corePool.query('create table public.z (n int)')).rejects.toThrow('permission denied')
    await corePool.query('select * from x, y')
    await Promise.all([corePool.end(), motePool.end()])
    await pool.query(
      `drop schema core cascade; drop schema jobs cascade; drop schema mote cascade; drop role ${core}; drop role ${mote}`,
    )
  })
})

describe('listen', () => {
  test('comes back after its backend is ended, says so, and hears again', async () => {
    const heard: string[] = []
    let connects = 0
    const listener = listen({
      url: postgres.url,
      channels: ['a-b', 'c'],
      log,
      onNotify: (c, p) => heard.push(`${c}:${p}`),
      onConnect: () => (connects += 1),
    })
    await until(() => connects === 1)
    await pool.query(`select pg_notify('a-b', '1'), pg_notify('c', '2')`)
    await until(() => heard.length === 2)
    for (const round of [2, 3]) {
      await kill('re-ops listen')
      await until(() => connects === round)
    }
    expect(listener.connected()).toBe(true)
    await pool.query(`select pg_notify('c', '3')`)
    await until(() => heard.length === 3)
    expect(heard.sort()).toEqual(['a-b:1', 'c:2', 'c:3'])
    await listener.close()
    expect(listener.connected()).toBe(false)
  })

  test('waits for a Postgres that is not there yet, and notices a peer that has gone silent', async () => {
    const { port: realPort } = new URL(postgres.url)
    const sockets: Socket[] = []
    let silent = false
    const relay = (): Server =>
      createServer(near => {
        const far = connect(Number(realPort), '127.0.0.1')
        sockets.push(near, far)
        near
          .on('data', bytes => silent || far.write(bytes))
          .on('error', () => far.destroy())
          .on('close', () => far.destroy())
        far.on('data', bytes => silent || near.write(bytes)).on('error', () => near.destroy())
      })
    const probe = createServer().listen(0, '127.0.0.1')
    await until(() => probe.listening)
    const { port } = probe.address() as { port: number }
    await new Promise(resolve => probe.close(resolve))
    const url = new URL(postgres.url)
    url.port = String(port)
    let connects = 0
    const listener = listen({
      url: url.href,
      channels: ['x'],
      log,
      onNotify: () => undefined,
      onConnect: () => (connects += 1),
      checkEveryMs: 100,
    })
    expect(listener.connected()).toBe(false)
    const server = relay().listen(port, '127.0.0.1')
    await until(() => connects === 1)
    silent = true
    await until(() => !listener.connected(), 12_000)
    silent = false
    await until(() => connects === 2)
    await listener.close()
    sockets.forEach(socket => socket.destroy())
    await new Promise(resolve => server.close(resolve))
  })
})

test('a URL that is not one of Postgres is told without showing it', () => {
  for (const url of ['mysql://u:canary@h/d', 'postgres://u:canary@h', 'canary']) {
    const error = (() => {
      try {
        return makePool({ url, log })
      } catch (thrown) {
        return thrown as Error
      }
    })() as Error
    expect(error.message).toContain('DATABASE_URL')
    expect(error.message).not.toContain('canary')
  }
})

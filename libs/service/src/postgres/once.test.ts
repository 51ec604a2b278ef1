import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makeLog } from '../log.ts'
import { makeApp } from '../app/make-app.ts'
import { idempotencyKey } from '../app/idempotency-key.ts'
import { makeMetrics } from '../app/metrics.ts'
import { testPostgres, type TestPostgres } from '../testing/index.ts'
import { ensureTokenKey, makeTokenSigner, makeTokenVerifier } from '../tokens.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from './migrate.ts'
import { forgetOldKeys, idempotencyMigration, once, type OnceRequest } from './once.ts'
import { makePool, type Pool } from './pool.ts'
import { transaction } from './transaction.ts'
import type { App } from '../app/types.ts'

const log = makeLog({ service: 'test', level: 'silent' })
let postgres: TestPostgres
let pool: Pool
let app: App
let base: string
let token: string
let folder: string

const make = (request: Partial<OnceRequest> & { body: unknown }) =>
  transaction(pool, tx =>
    once(tx, { schema: 's', key: 'k', subject: 'me', route: 'POST /things', ...request }, async () => {
      const { rows } = await tx.query<{ id: number }>('insert into s.thing default values returning id')
      return { id: rows[0]?.id, at: [1, null] }
    }),
  )
const count = async () => (await pool.query<{ n: number }>('select count(*) as n from s.thing')).rows[0]?.n

beforeAll(async () => {
  postgres = await testPostgres()
  pool = makePool({ url: postgres.url, log, max: 20 })
  const things = { name: 'thing', sql: 'create table s.thing (id bigint generated always as identity primary key)' }
  await migrate({ pool, schema: 's', migrations: [idempotencyMigration('s'), things], log })
  folder = await mkdtemp(join(tmpdir(), 're-ops-once-'))
  const keys = await ensureTokenKey(folder)
  token = (await makeTokenSigner(keys).sign({ subject: 'me', scopes: ['admin'] })).token
  app = await makeApp({
    name: 't',
    version: '1',
    log,
    verifier: makeTokenVerifier(keys),
    metrics: makeMetrics({ service: 't' }),
    ready: {},
  })
  app.post('/things', { config: { scope: 'admin' } }, async request =>
    make({ key: idempotencyKey(request), body: request.body }),
  )
  base = await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await app.close()
  await pool.end()
  await postgres.drop()
  await rm(folder, { recursive: true })
})

test('the same key at once makes one, and all get the same answer', async () => {
  const before = await count()
  const answers = await Promise.all(Array.from({ length: 12 }, () => make({ key: 'at-once', body: { a: 1, b: 2 } })))
  expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1)
  expect(await count()).toBe((before ?? 0) + 1)
})

test('another body under the same key is 409; the order of its fields is not another body', async () => {
  const first = await make({ key: 'body', body: { a: 1, b: { c: 1, d: 2 } } })
  expect(await make({ key: 'body', body: { b: { d: 2, c: 1 }, a: 1 } })).toEqual(first)
  await expect(make({ key: 'body', body: { a: 2 } })).rejects.toMatchObject({
    status: 409,
    kind: 'idempotency-conflict',
  })
})

test('another subject or route has its own keys, and no key remembers nothing', async () => {
  const body = { a: 1 }
  const all = await Promise.all([
    make({ body }),
    make({ body, subject: 'you' }),
    make({ body, route: 'POST /x' }),
    make({ body, key: undefined }),
    make({ body, key: undefined }),
  ])
  expect(new Set(all.map(({ id }) => id)).size).toBe(5)
})

test('what failed is not remembered: the retry makes it', async () => {
  const failing = transaction(pool, tx =>
    once(tx, { schema: 's', key: 'failed', subject: 'me', route: 'POST /things', body: {} }, () =>
      Promise.reject(new Error('provider away')),
    ),
  )
  await expect(failing).rejects.toThrow('provider away')
  expect((await make({ key: 'failed', body: {} })).id).toBeGreaterThan(0)
})

test('a reply that is lost and retried with the same key makes one', async () => {
  const before = await count()
  const { port } = new URL(base)
  const body = '{"name":"lost"}'
  await new Promise<void>(resolve => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(
        `POST /things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nidempotency-key: lost-1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        () => socket.destroy(),
      )
    })
    socket.on('close', () => resolve())
  })
  const retry = () =>
    fetch(`${base}/things`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'lost-1' },
      body,
    }).then(response => response.json())
  const answers = [await retry(), await retry()]
  expect(answers[0]).toEqual(answers[1])
  expect(await count()).toBe((before ?? 0) + 1)
})

test('a key that is not printable is refused', async () => {
  const answer = await app.inject({
    method: 'POST',
    url: '/things',
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': 'a b' },
  })
  expect([answer.statusCode, answer.json<{ type: string }>().type]).toEqual([400, 'about:blank#bad-idempotency-key'])
})

test('keys are kept a day and forgotten after two, a few with each new key', async () => {
  await pool.query(`insert into s.idempotency (subject, route, key, body_hash, answer, at)
    select 'old', 'r', n::text, '', '1', now() - interval '49 hours' from generate_series(1, 30) n`)
  await pool.query(
    `insert into s.idempotency (subject, route, key, body_hash, answer, at) values ('young', 'r', '1', '', '1', now() - interval '25 hours')`,
  )
  await make({ key: 'new', body: {} })
  const left = async () =>
    (await pool.query<{ n: number }>("select count(*) as n from s.idempotency where subject = 'old'")).rows[0]?.n
  expect(await left()).toBe(20)
  expect(await forgetOldKeys(pool, 's')).toBe(20)
  expect((await pool.query("select 1 from s.idempotency where subject = 'young'")).rowCount).toBe(1)
})

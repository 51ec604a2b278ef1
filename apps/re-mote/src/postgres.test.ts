import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Run } from '@re-ops/protocols'
import { makeLog, startPostgres, type EmbeddedPostgres } from '@re-ops/service'
import { enrolHost, startFakeAgent, startMote, until, type FakeAgent, type TestMote } from './testing/index.ts'

const log = makeLog({ service: 'test', level: 'silent' })
let folder: string
let postgres: EmbeddedPostgres
let mote: TestMote
let agent: FakeAgent
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reops-mote-pg-'))
  postgres = await startPostgres({ folder: join(folder, 'postgres'), log })
  mote = await startMote({ databaseUrl: postgres.url })
}, 60_000)
afterAll(async () => {
  agent.close()
  await mote.stop()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('Postgres killed: the service stays up and says so, keeps results, and loses nothing', async () => {
  const identity = await enrolHost(mote, { name: 'a' })
  agent = startFakeAgent({ endpoint: mote.endpoint, serverKey: identity.serverKey, identity, answer: () => 'never' })
  await agent.live()
  const pipeline = {
    kind: 'sequence',
    steps: [
      { kind: 'call', operation: 'ping' },
      { kind: 'call', operation: 'ping' },
    ],
  }
  const { body } = await mote.ask('POST', '/v1/runs', { body: { on: 'a', pipeline } })
  const first = await until('the call', () => agent.started[0])

  const { port } = postgres
  process.kill(postgres.pid, 'SIGKILL')
  await postgres.exited
  await agent.finish(first, { ok: true, value: 1 })
  const refused = await until('a 503', async () => {
    const answer = await mote.ask('GET', '/v1/hosts')
    return answer.status === 503 ? answer : null
  })
  expect(refused.headers.get('retry-after')).not.toBeNull()
  expect((await mote.ask('GET', '/health', { token: '' })).status).toBe(200)
  expect((await mote.ask('GET', '/ready', { token: '' })).status).toBe(503)
  expect(agent.settled.size).toBe(0)

  postgres = await startPostgres({ folder: join(folder, 'postgres'), log, port })
  const second = await until('the second step, after the first is committed', () => agent.started[1], 20_000)
  await agent.finish(second, { ok: true, value: 2 })
  const id = (body as Run).id
  const done = await until('the run ends', async () => {
    const run = (await mote.ask('GET', `/v1/runs/${id}`)).body as Run
    return run.state === 'done' ? run : null
  })
  expect(done.targets?.[0]).toMatchObject({ state: 'ok', value: 2 })
  await until('both results are settled', () => agent.settled.has(first) && agent.settled.has(second))
  expect(agent.started).toHaveLength(2)
}, 60_000)

test('Postgres killed right after a result was answered: the run is done when it is back, and only then is the result settled', async () => {
  const body = { on: 'a', pipeline: { kind: 'call', operation: 'ping' } }
  const started = agent.started.length
  const asked = mote.ask('POST', '/v1/runs?wait=10', { body })
  const call = await until('the call', () => agent.started[started])
  await agent.finish(call, { ok: true, value: 3 })
  const answered = (await asked).body as Run
  expect(answered).toMatchObject({ state: 'done', summary: { ok: 1 } })
  expect(agent.settled.has(call)).toBe(false)

  const { port } = postgres
  process.kill(postgres.pid, 'SIGKILL')
  await postgres.exited
  postgres = await startPostgres({ folder: join(folder, 'postgres'), log, port })
  await until('the result is settled', () => agent.settled.has(call), 20_000)
  const now = (await mote.ask('GET', `/v1/runs/${answered.id}`)).body as Run
  expect(now).toMatchObject({ state: 'done', targets: [{ state: 'ok', value: 3 }] })
}, 60_000)

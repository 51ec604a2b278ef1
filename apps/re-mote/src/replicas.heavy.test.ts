import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import type { Host, Keyset, Run } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import {
  enrolHost,
  startFakeAgent,
  startMote,
  until,
  type FakeAgent,
  type FakeAgentOptions,
  type FakeIdentity,
  type TestMote,
} from './testing/index.ts'

/** Two services, each with a broker, on one Postgres and one set of keys. */
let postgres: TestPostgres
let [a, b] = [] as unknown as [TestMote, TestMote]
let admin: string
beforeAll(async () => {
  postgres = await testPostgres()
  a = await startMote({ databaseUrl: postgres.url })
  admin = await a.token('admin')
  b = await startMote({ databaseUrl: postgres.url, environment: keysOf(a) })
})
afterAll(async () => {
  await b?.stop()
  await a?.stop()
  await postgres?.drop()
})
/** With a token that both accept: of the key they share. */
const ask = (mote: TestMote, method: string, path: string, body?: unknown) =>
  mote.ask(method, path, { token: admin, ...(body === undefined ? {} : { body }) })
const keysOf = ({ state }: TestMote) => ({
  REOPS_MASTER_KEY: `file:${join(state, 'master.key')}`,
  REOPS_TOKEN_KEY: `file:${join(state, 'token.key')}`,
})
const agents: FakeAgent[] = []
afterEach(() => agents.splice(0).forEach(agent => agent.close()))

type Identity = FakeIdentity & { readonly serverKey: string }
const dial = async (mote: TestMote, identity: Identity, more: Partial<FakeAgentOptions> = {}) => {
  const agent = startFakeAgent({ endpoint: mote.endpoint, serverKey: identity.serverKey, identity, ...more })
  agents.push(agent)
  await agent.live()
  return agent
}
const call = { kind: 'call', operation: 'shell', input: { argv: ['true'] } }
const post = async (mote: TestMote, on: string) =>
  (await ask(mote, 'POST', '/v1/runs', { on, pipeline: call })).body as Run
const runAt = async (mote: TestMote, { id }: Run) => (await ask(mote, 'GET', `/v1/runs/${id}`)).body as Run
const isOnlineAt = (mote: TestMote, name: string) =>
  until(`${name} is online there`, async () =>
    ((await ask(mote, 'GET', '/v1/hosts')).body as Host[]).some(host => host.name === name && host.online),
  )

test('agents are told both brokers, by whichever service', async () => {
  const keyset = async (mote: TestMote) => (await mote.ask('GET', '/v1/keyset', { token: '' })).body as Keyset
  const both = [a.endpoint, b.endpoint].toSorted()
  await until('both say so', async () => {
    const sets = [await keyset(a), await keyset(b)]
    return sets.every(({ endpoints }) => endpoints.join() === both.join()) && sets[0]?.serial === sets[1]?.serial
  })
})

test('a run reaches agents of both brokers, is told as it goes at both, and its results are settled', async () => {
  const [one, two] = [await enrolHost(a, { name: 'one' }), await enrolHost(a, { name: 'two' })]
  const [atA, atB] = [await dial(a, one), await dial(b, two, { answer: () => 'never' })]
  await isOnlineAt(a, 'two')
  await isOnlineAt(b, 'one')
  const run = await post(a, 'one or two')
  const id = await until('the call has come', () => atB.started[0])
  const events = await fetch(`${b.url}/v1/runs/${run.id}/events`, {
    headers: { authorization: `Bearer ${await a.token('runs:read')}` },
  })
  await atB.finish(id, { ok: true, value: 'done' })
  expect(await events.text()).toMatch(/event: target[\s\S]*event: target[\s\S]*event: done/)
  expect(await runAt(b, run)).toMatchObject({ state: 'done', summary: { expected: 2, ok: 2 } })
  await until('both are settled', () => atB.settled.has(id) && atA.settled.size === 1)
})

test('a run is cancelled at either service', async () => {
  const agent = await dial(b, await enrolHost(a, { name: 'endless' }), { answer: () => 'never' })
  await isOnlineAt(a, 'endless')
  const run = await post(a, 'endless')
  await until('the call has come', () => agent.started[0])
  await ask(b, 'POST', `/v1/runs/${run.id}/cancel`)
  await until('it is cancelled', async () => (await runAt(a, run)).state === 'done')
  expect((await runAt(b, run)).summary.failures).toEqual({ cancelled: 1 })
})

test('an agent that moves with a call under way starts it once, and its result is taken by the other broker', async () => {
  const identity = await enrolHost(a, { name: 'mover' })
  const before = await dial(a, identity, { answer: () => 'never', reconnect: false })
  await isOnlineAt(b, 'mover')
  const run = await post(a, 'mover')
  const id = await until('the call has come', () => before.started[0])
  before.moveTo(b.endpoint)
  await before.live()
  await until('the first broker ends its session', async () => isOnlineAt(a, 'mover'))
  await before.finish(id, { ok: true, value: 'moved' })
  await until('it is done', async () => (await runAt(b, run)).state === 'done')
  expect((await runAt(a, run)).targets).toMatchObject([{ state: 'ok', value: 'moved' }])
  expect(before.started).toEqual([id])
  await until('it is settled', () => before.settled.has(id))
})

test('runs of a service that is killed are taken over when its lease has expired, results that it was told included', async () => {
  const [left, right] = [await enrolHost(a, { name: 'left' }), await enrolHost(a, { name: 'right' })]
  const stays = await dial(a, left, { answer: () => 'never' })
  const moves = await dial(b, right, { answer: () => 'never' })
  await isOnlineAt(b, 'left')
  const run = await post(b, 'left or right')
  const [one, two] = await until('both have begun', () =>
    stays.started[0] && moves.started[0] ? ([stays.started[0], moves.started[0]] as const) : null,
  )
  b.signal('SIGKILL')
  await b.exited
  await stays.finish(one, { ok: true, value: 'for the dead' })
  moves.moveTo(a.endpoint)
  await moves.live()
  await moves.finish(two, { ok: true, value: 'for the living' })
  const done = await until(
    'the other one ends the run',
    async () => {
      const now = await runAt(a, run)
      return now.state === 'done' ? now : null
    },
    60_000,
  )
  expect(done.summary).toMatchObject({ expected: 2, ok: 2 })
  expect([stays.started, moves.started]).toEqual([[one], [two]])
  await until('both are settled', () => stays.settled.has(one) && moves.settled.has(two))
  await b.again()
})

test('what an agent elsewhere answers reaches a service that was away, also before the other knows that it is back', async () => {
  const agent = await dial(a, await enrolHost(a, { name: 'quick' }))
  await dial(b, await enrolHost(a, { name: 'of-b' }))
  await isOnlineAt(b, 'quick')
  await isOnlineAt(a, 'of-b')
  const hosts = async () => (await ask(a, 'GET', '/v1/hosts')).body as Host[]
  b.signal('SIGSTOP')
  try {
    await until('it counts as gone', async () => (await hosts()).some(({ name, online }) => name === 'of-b' && !online))
  } finally {
    b.signal('SIGCONT')
  }
  const runs = [await post(b, 'quick'), await post(b, 'quick'), await post(b, 'quick')]
  await until('all are done', async () => {
    const now = await Promise.all(runs.map(run => runAt(b, run)))
    return now.every(({ state, summary }) => state === 'done' && summary.ok === 1)
  })
  await until('all are settled', () => agent.settled.size === runs.length)
  expect(agent.started).toHaveLength(runs.length)
})

test('a second process on a state folder takes the place of the first, which ends', async () => {
  const second = await startMote({ databaseUrl: postgres.url, environment: { REOPS_STATE: a.state } })
  try {
    await a.exited
    expect(a.log()).toContain('another re-mote runs on this state folder now')
    expect((await ask(second, 'GET', '/ready')).status).toBe(200)
  } finally {
    await second.stop()
  }
})

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { CallResult, Problem, Run } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import {
  enrolHost,
  startFakeAgent,
  startMote,
  until,
  type FakeAgent,
  type FakeCall,
  type TestMote,
} from './testing/index.ts'

type Reply = CallResult | 'never' | 'deaf'
type Agent = FakeAgent & { readonly name: string; readonly host: string }
const size = 6
let postgres: TestPostgres
let mote: TestMote
const agents: Agent[] = []
/** What hosts do with a call; by their place, from 0. */
let answer: (nth: number, call: FakeCall) => Reply = () => 'never'
/** Calls in the order in which hosts began them. */
let begun: { readonly nth: number; readonly id: string; readonly call: FakeCall }[] = []

beforeAll(async () => {
  postgres = await testPostgres()
  mote = await startMote({ databaseUrl: postgres.url })
  for (let nth = 0; nth < size; nth += 1) {
    const name = `turn-${nth}`
    const identity = await enrolHost(mote, { name })
    const hears = (call: FakeCall) => {
      begun.push({ nth, id: call.id, call })
      return answer(nth, call)
    }
    const agent = startFakeAgent({
      endpoint: mote.endpoint,
      serverKey: identity.serverKey,
      identity,
      name,
      answer: hears,
    })
    agents.push(Object.assign(agent, { name, host: identity.host }))
  }
  await Promise.all(agents.map(agent => agent.live()))
  await until('all are online', async () => {
    const hosts = (await mote.ask('GET', '/v1/hosts?on=turn-*')).body as { online: boolean }[]
    return hosts.length === size && hosts.every(host => host.online)
  })
})
afterAll(async () => {
  agents.forEach(agent => agent.close())
  await mote.stop()
  await postgres.drop()
})
afterEach(() => {
  begun = []
  answer = () => 'never'
})

const good: CallResult = { ok: true, value: 'good' }
const bad: CallResult = { ok: false, failure: { kind: 'exit', message: 'ended with 1', step: '', code: 1 } }
const shell = { kind: 'call', operation: 'shell', input: { argv: ['true'] } }
const post = async (path: string, body: object = {}) => {
  const answered = await mote.ask('POST', path, { body })
  return { status: answered.status, run: answered.body as Run, problem: answered.body as Problem }
}
const start = async (more: object, wait = 0): Promise<Run> => {
  const { status, run } = await post(`/v1/runs?wait=${wait}`, { on: 'turn-*', pipeline: shell, ...more })
  expect([201, 202]).toContain(status)
  return run
}
const read = async (id: string) => (await mote.ask('GET', `/v1/runs/${id}`)).body as Run
/** Agents need some seconds to come back when the machine is busy. */
const waitMs = 30_000
const done = (id: string) =>
  until(
    'the run ends',
    async () => {
      const run = await read(id)
      return run.state === 'done' ? run : null
    },
    waitMs,
  )
const finish = (at: number, result: CallResult = good) => {
  const { nth, id } = begun[at] as (typeof begun)[number]
  return (agents[nth] as Agent).finish(id, result)
}
const has = (count: number) => until(`${count} have begun`, () => begun.length >= count, waitMs)
const rollout = async (id: string) => (await read(id)).rollout
const states = (run: Run) => (run.targets ?? []).map(target => target.state)

describe('turns', () => {
  test('batch: so many hosts at a time, the next as soon as one ends, whoever is slow', async () => {
    const run = await start({ batch: 2 })
    await has(2)
    expect(await rollout(run.id)).toMatchObject({
      begun: 2,
      running: 2,
      held: 4,
      waitsFor: 'a place: 2 of 2 are taken',
    })
    // The first is slow: it stays to the end.
    for (let at = 1; at < size; at += 1) {
      await finish(at)
      if (at < size - 1) await has(at + 2)
      expect((await rollout(run.id))?.running).toBeLessThanOrEqual(2)
      expect(begun).toHaveLength(Math.min(size, at + 2))
    }
    await finish(0)
    expect(states(await done(run.id))).toEqual(Array(size).fill('ok'))
    const order = begun.map(one => one.nth)
    expect(order.slice(0, 2).toSorted((a, b) => a - b)).toEqual([0, 1]) // sent together, they begin as their agents hear of it
    expect(order.slice(2)).toEqual([2, 3, 4, 5])
  })

  test('canaries first, then batches that end before the next begins, at most so many at once', async () => {
    const run = await start({ canary: 1, serial: 3, concurrency: 2 })
    await has(1)
    expect(await rollout(run.id)).toMatchObject({ stage: 'canary', begun: 1, waitsFor: '1 of 1 canaries to end' })
    await finish(0)
    await has(3)
    await finish(1)
    await has(4)
    expect(await rollout(run.id)).toMatchObject({ stage: 'batch', batch: { at: 1, of: 2 }, begun: 4, held: 2 })
    await finish(2)
    await until('one of the batch is left', async () => (await rollout(run.id))?.running === 1)
    expect(await rollout(run.id)).toMatchObject({ begun: 4, waitsFor: '1 of 3 hosts of batch 1 of 2 to end' })
    await finish(3)
    await has(6)
    await Promise.all([finish(4), finish(5)])
    const ended = await done(run.id)
    expect(ended).toMatchObject({ control: { canary: 1, serial: 3, concurrency: 2 }, summary: { ok: 6 } })
    expect(ended.rollout).toBeUndefined()
  })

  test('a host keeps its place for batchWaitMs', async () => {
    answer = () => good
    const run = await start({ batch: 3, batchWaitMs: 300 }, 20)
    expect(run).toMatchObject({ state: 'done', summary: { ok: 6 } })
    const ends = (run.targets ?? []).map(target => target.ms ?? 0).toSorted((one, other) => one - other)
    expect((ends[3] ?? 0) - (ends[0] ?? 0)).toBeGreaterThanOrEqual(295)
  })

  test('a host without a session takes its turn as any other, and counts as failed', async () => {
    const { host } = await enrolHost(mote, { name: 'away' })
    answer = () => good
    const run = await start({ on: 'away or turn-1 or turn-2', canary: 1 }, 20)
    expect(run.targets?.[0]?.host.id).toBe(host)
    expect(run).toMatchObject({ stopped: { rule: 'canary' }, summary: { failures: { unreachable: 1, skipped: 2 } } })
  })
})

describe('what stops a run', () => {
  test('more failures than allowed: no other begins, the others go on, and the reason is told', async () => {
    const run = await start({ batch: 3, maxFailures: 1 })
    await has(3)
    await finish(0, bad)
    await has(4)
    await finish(1, bad)
    await until('it is stopped', async () => (await read(run.id)).stopped)
    expect((await read(run.id)).rollout).toMatchObject({ running: 2 })
    await Promise.all([finish(2), finish(3)])
    const ended = await done(run.id)
    const reason = '2 of 6 hosts failed, allowed are 1'
    expect(ended).toMatchObject({
      stopped: { rule: 'maxFailures', reason, cancelRunning: false },
      summary: { ok: 2, failed: 4, failures: { exit: 2, skipped: 2 } },
    })
    const skipped = ended.targets?.find(target => target.state === 'skipped')
    expect(skipped?.failure).toMatchObject({
      kind: 'skipped',
      message: `its turn did not come: ${reason}`,
      started: 'no',
    })
    expect(begun).toHaveLength(4)
  })

  test('with cancelRunning those at work are cancelled as well', async () => {
    const run = await start({ maxFailures: '10%', cancelRunning: true })
    await has(6)
    await finish(0, bad)
    const ended = await done(run.id)
    expect(ended.summary.failures).toEqual({ exit: 1, cancelled: 5 })
    expect(ended.targets?.at(-1)?.failure?.message).toContain('1 of 6 hosts failed, allowed are 0')
  })

  test('its deadline: who has not begun is skipped, who is at work is cancelled', async () => {
    const run = await start({ concurrency: 2, deadlineMs: 1_500 })
    const ended = await done(run.id)
    expect(ended).toMatchObject({ stopped: { rule: 'deadline', reason: 'the deadline of the run, 1.5 s, passed' } })
    const { cancelled = 0, skipped = 0 } = ended.summary.failures
    expect(cancelled + skipped).toBe(size)
    expect(skipped).toBeGreaterThanOrEqual(size - 2)
    expect(begun.length).toBeLessThanOrEqual(2)
  })

  test('a cancel ends who is held as well; a pause holds all back until it is resumed', async () => {
    const run = await start({ batch: 2 })
    await has(2)
    expect((await post(`/v1/runs/${run.id}/pause`)).run.rollout).toMatchObject({
      paused: true,
      waitsFor: 'the run is paused',
    })
    await finish(0)
    await until('one is left', async () => (await rollout(run.id))?.running === 1)
    expect(await rollout(run.id)).toMatchObject({ begun: 2, held: 4 })
    expect((await post(`/v1/runs/${run.id}/resume`)).status).toBe(202)
    await has(3)
    await post(`/v1/runs/${run.id}/cancel`)
    expect((await done(run.id)).summary).toMatchObject({ ok: 1, failures: { cancelled: 5 } })
    expect(begun).toHaveLength(3)
    expect((await post(`/v1/runs/${run.id}/pause`)).problem).toMatchObject({
      status: 409,
      detail: /has ended/ as never,
    })
  })
})

describe('kill -9 of the service', () => {
  const restart = async (meanwhile: () => unknown = () => undefined) => {
    mote.signal('SIGKILL')
    await mote.exited
    await meanwhile()
    await mote.again()
  }

  test('the rollout goes on where it was: nobody begins twice, no limit is exceeded, a pause stays', async () => {
    const run = await start({ canary: 1, batch: 2 })
    await has(1)
    await restart()
    expect(await rollout(run.id)).toMatchObject({ stage: 'canary', begun: 1, held: 5 })
    await finish(0)
    await has(3)
    await post(`/v1/runs/${run.id}/pause`)
    // One ends while nobody hears it.
    await restart(() => finish(1))
    await until('it has ended', async () => (await rollout(run.id))?.running === 1, waitMs)
    expect(await rollout(run.id)).toMatchObject({ begun: 3, held: 3, paused: true })
    await post(`/v1/runs/${run.id}/resume`)
    for (let at = 2; at < size; at += 1) {
      await has(at + 1)
      expect((await rollout(run.id))?.running).toBeLessThanOrEqual(2)
      await finish(at)
    }
    expect(states(await done(run.id))).toEqual(Array(size).fill('ok'))
    expect(begun[0]?.nth).toBe(0)
    expect(begun.map(one => one.nth).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('a deadline that passed meanwhile applies at once; a rule that was broken holds', async () => {
    const [late, broken] = [
      await start({ on: 'turn-0 or turn-1 or turn-2', concurrency: 1, deadlineMs: 3_000 }),
      await start({ on: 'turn-3 or turn-4 or turn-5', concurrency: 1, maxFailures: 0 }),
    ]
    await until('the other is at work', () => begun.some(one => one.nth === 3), waitMs)
    await restart(async () => {
      await finish(
        begun.findIndex(one => one.nth === 3),
        bad,
      )
      await until('the deadline has passed', () => Date.now() > Date.parse(late.createdAt) + 3_000)
    })
    expect((await done(late.id)).stopped?.rule).toBe('deadline')
    expect((await done(late.id)).summary).toMatchObject({ ok: 0, failed: 3 })
    expect((await done(broken.id)).summary.failures).toEqual({ exit: 1, skipped: 2 })
    expect(begun.filter(one => one.nth !== 0 && one.nth !== 3)).toEqual([])
  })
})

describe('again', () => {
  test('the hosts that failed, with the same pipeline and rules, as a run of its own', async () => {
    answer = nth => (nth % 2 === 0 ? bad : good)
    const first = await start({ batch: 2, timeoutMs: 7_000 }, 20)
    expect(first.summary).toMatchObject({ ok: 3, failures: { exit: 3 } })
    answer = nth => (nth === 0 ? bad : good)
    const { status, run } = await post(`/v1/runs/${first.id}/retry?wait=20`)
    expect(status).toBe(201)
    expect(run).toMatchObject({
      retryOf: first.id,
      on: 'turn-*',
      pipeline: shell,
      control: { batch: 2 },
      summary: { ok: 2 },
    })
    expect(run.targets?.map(target => target.host.name)).toEqual(['turn-0', 'turn-2', 'turn-4'])
    expect(await read(run.id)).toMatchObject({ retryOf: first.id })
    const of = (states: string[]) => post(`/v1/runs/${run.id}/retry?wait=20`, { states })
    expect((await of(['unreachable'])).problem).toMatchObject({
      status: 422,
      detail: `no host of run ${run.id} ended unreachable`,
    })
    answer = () => good
    const third = await of(['exit'])
    expect(third.run.summary).toMatchObject({ expected: 1, ok: 1 })
    expect((await post(`/v1/runs/${third.run.id}/retry`)).problem).toMatchObject({
      status: 422,
      title: 'Nothing to retry',
    })
  })

  test('what may have run and must not run twice is only repeated by force; a run must have ended', async () => {
    const { id } = await start({ on: 'turn-0' })
    await has(1)
    expect((await post(`/v1/runs/${id}/retry`)).problem).toMatchObject({ status: 409, title: 'The run has not ended' })
    await post(`/v1/runs/${id}/cancel`)
    await done(id)
    const refused = await post(`/v1/runs/${id}/retry`)
    expect(refused.problem.status).toBe(409)
    expect(refused.problem.detail).toContain(
      'shell neither only reads nor is idempotent, and may have run on turn-0 (cancelled)',
    )
    answer = () => good
    expect((await post(`/v1/runs/${id}/retry?wait=20`, { force: true })).run.summary.ok).toBe(1)
    const reads = await start({ on: 'turn-1', pipeline: { kind: 'call', operation: 'uptime' } }, 20)
    expect(reads.summary.ok).toBe(1)
  })
})

test('dry run: who can say what it would do says it, who cannot is not asked, readers read', async () => {
  answer = (_, call) => ({ ok: true, value: call.input ?? null })
  const ensure = { kind: 'call', operation: 'directory.ensure', input: { path: '/srv/a' } }
  const reads = { kind: 'call', operation: 'uptime' }
  const dry = await start({ on: 'turn-0', pipeline: { kind: 'sequence', steps: [reads, ensure] }, dryRun: true }, 20)
  expect(dry).toMatchObject({ dryRun: true, summary: { ok: 1 } })
  expect(dry.targets?.[0]?.value).toEqual({ path: '/srv/a', dry: true })
  const blind = await start({ on: 'turn-0', pipeline: { kind: 'sequence', steps: [ensure, shell] }, dryRun: true }, 20)
  expect(blind.targets?.[0]).toMatchObject({ state: 'rejected', failure: { step: '2:shell', started: 'no' } })
  expect(blind.targets?.[0]?.failure?.message).toContain('shell cannot say what it would do')
  expect((await start({ on: 'turn-0', dryRun: true }, 20)).targets?.[0]?.state).toBe('rejected')
  expect(begun.map(one => one.call.operation)).toEqual(['uptime', 'directory.ensure', 'directory.ensure'])
  expect(await read(dry.id)).toMatchObject({ dryRun: true, pipeline: { steps: [reads, ensure] } })
})

test.each<[object, string]>([
  [{ batch: 2, serial: 2 }, '/body/serial is not for runs with batch'],
  [{ batch: '101%' }, '/body/batch'],
  [{ batch: 0 }, '/body/batch'],
  [{ batchWaitMs: 5 }, '/body/batchWaitMs needs batch'],
  [{ maxFailures: 1 }, '/body/maxFailures needs batch'],
  [{ cancelRunning: true }, '/body/cancelRunning needs maxFailures'],
  [{ deadlineMs: 0 }, '/body/deadlineMs'],
  [{ batch: 1, pipeline: { kind: 'sequence', steps: [shell, { kind: 'gather' }] } }, '/body/pipeline has a gather'],
])('%j is refused, with what is wrong', async (more, detail) => {
  const { problem } = await post('/v1/runs', { on: 'turn-*', pipeline: shell, ...more })
  expect(problem.status).toBe(400)
  expect(problem.detail).toContain(detail)
})

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Run, RunAggregate, RunMissing } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { enrolHost, startFakeAgent, startMote, until, type FakeAgent, type TestMote } from './testing/index.ts'
import type { FakeAgentOptions } from './testing/index.ts'

let postgres: TestPostgres
let mote: TestMote
const agents: FakeAgent[] = []
/** What the silent one gives of its calls' outputs. */
let output: ReturnType<NonNullable<FakeAgentOptions['output']>> = { text: '', end: 'gone' }
const connect = async (name: string, answer: NonNullable<FakeAgentOptions['answer']>): Promise<FakeAgent> => {
  const identity = await enrolHost(mote, { name })
  const { endpoint } = mote
  const agent = startFakeAgent({ endpoint, serverKey: identity.serverKey, identity, answer, output: () => output })
  agents.push(agent)
  await agent.live()
  return agent
}
const memory = (totalBytes: number, used: number) => ({ totalBytes, availableBytes: totalBytes * (1 - used), used })
const values: Record<string, object> = {
  memory: memory(1024, 0.5),
  load: { one: 1, five: 1, fifteen: 1, cores: 4 },
}
let silent: FakeAgent
beforeAll(async () => {
  postgres = await testPostgres()
  mote = await startMote({ databaseUrl: postgres.url })
  for (const [n, used] of [0.1, 0.5, 0.9].entries())
    await connect(`m-${n}`, ({ operation }) => ({
      ok: true,
      value: {
        ...values,
        memory: memory(1024, used),
        facts: { os: { id: n === 2 ? 'alpine' : 'debian' }, cpu: { count: n } },
      }[operation],
    }))
  silent = await connect('silent', () => 'never')
  const failure = { kind: 'exit' as const, message: 'ended with 1', step: '', code: 1 }
  await connect('broken', () => ({ ok: false, failure }))
  await enrolHost(mote, { name: 'absent' })
  await until('all are online', async () => {
    const hosts = (await mote.ask('GET', '/v1/hosts')).body as { online: boolean }[]
    return hosts.filter(host => host.online).length === 5
  })
})
afterAll(async () => {
  agents.forEach(agent => agent.close())
  await mote.stop()
  await postgres.drop()
})
const start = async (on: string, operation: string, wait = 10) =>
  (await mote.ask('POST', `/v1/runs?wait=${wait}`, { body: { on, pipeline: { kind: 'call', operation } } })).body as Run
const summary = (run: string, query = '') => mote.ask('GET', `/v1/runs/${run}/summary${query}`)
const eventsOf = async (run: string, query: string) => {
  const headers = { authorization: `Bearer ${await mote.token('runs:read')}` }
  const response = await fetch(`${mote.url}/v1/runs/${run}/events${query}`, { headers })
  return [...(await response.text()).matchAll(/event: (\w+)\ndata: (.*)/g)].map(([, event, data]) => ({
    event,
    data: JSON.parse(data as string) as unknown,
  }))
}

describe('what is missing', () => {
  test('is each host that did not answer, with the reason, while the run lasts and after it', async () => {
    const run = await start('*', 'memory', 0)
    const call = await until('the silent one has its call', () => silent.started[0])
    const missing = async () => (await mote.ask('GET', `/v1/runs/${run.id}/missing`)).body as RunMissing
    await until('the others have ended', async () => (await missing()).missing.length === 2)
    expect(await missing()).toMatchObject({
      run: run.id,
      expected: 6,
      got: 4,
      missing: [
        { host: { name: 'absent' }, state: 'unreachable', why: 'the host has no session' },
        {
          host: { name: 'silent' },
          state: expect.stringMatching(/queued|running/),
          why: expect.stringContaining('memory'),
        },
      ],
    })
    await silent.finish(call, { ok: true, value: memory(2048, 0.2) })
    await until('the silent one has answered', async () => (await missing()).got === 5)
    expect((await mote.ask('GET', `/v1/runs/${run.id}/missing?limit=0`)).body).toMatchObject({ got: 5, missing: [] })
    expect((await mote.ask('GET', `/v1/runs/${run.id.replace(/.$/, 'f').replace(/^./, 'f')}/missing`)).status).toBe(404)
  })
})

describe('a summary', () => {
  test("is by the operation's own words, or by those asked, in groups if asked", async () => {
    const run = await start('m-* or broken', 'memory')
    expect((await summary(run.id)).body).toMatchObject({
      run: run.id,
      state: 'done',
      expected: 4,
      ok: 3,
      failures: { exit: 1 },
      fields: { totalBytes: { sum: 3072 }, used: { min: 0.1, max: 0.9 } },
    })
    const { fields } = (await summary(run.id, `?of=${encodeURIComponent('value.used:p50,top1')}`)).body as {
      fields: Record<string, Record<string, unknown>>
    }
    expect(fields['used']).toMatchObject({ top1: [{ host: { name: 'm-2' }, value: 0.9 }] })
    expect(Math.abs((fields['used']?.['p50'] as number) - 0.5)).toBeLessThan(0.006)
    const facts = await start('m-*', 'facts')
    const asked = await summary(facts.id, `?of=${encodeURIComponent('os.id')}`)
    expect(asked.body).toMatchObject({ fields: { 'os.id': { histogram: { alpine: 1, debian: 2 } } } })
    const grouped = await summary(facts.id, `?by=os.id&of=${encodeURIComponent('cpu.count:max,count')}`)
    expect(grouped.body).toMatchObject({
      by: 'os.id',
      ok: 3,
      groups: [
        { key: 'debian', ok: 2, fields: { 'cpu.count': { max: 1, count: 2 } } },
        { key: 'alpine', ok: 1, fields: { 'cpu.count': { max: 2, count: 1 } } },
      ],
      others: null,
    })
  })

  test('that cannot be made says what is allowed', async () => {
    const run = await start('m-0', 'memory')
    for (const path of ['summary', 'events'])
      expect(await mote.ask('GET', `/v1/runs/${run.id}/${path}?of=used:avg`)).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(/^\/query\/of unknown function `avg`; allowed are count, sum/) },
      })
    for (const [query, field] of [
      ['of=usde:max', 'usde'],
      ['by=usde', 'usde'],
    ])
      expect(await summary(run.id, `?${query}`)).toMatchObject({
        status: 400,
        body: {
          detail: expect.stringContaining(`memory gives no field ${field}; did you mean used? It has totalBytes`),
        },
      })
  })

  test('comes as events while results arrive, the last one whole, before `done`', async () => {
    const run = await start('m-* or silent', 'load', 0)
    const reading = eventsOf(run.id, '?aggregate=true&targets=false')
    const call = await until('the silent one has its call', () => silent.started[1])
    await until('the others are taken together', async () => ((await summary(run.id)).body as RunAggregate).ok === 3)
    await silent.finish(call, { ok: true, value: { one: 7, five: 1, fifteen: 1, cores: 2 } })
    const events = await reading
    expect(events.at(-1)).toMatchObject({ event: 'done', data: { expected: 4, ok: 4 } })
    const aggregates = events.filter(one => one.event === 'aggregate').map(one => one.data as RunAggregate)
    expect(events).toHaveLength(aggregates.length + 1)
    expect(aggregates.at(-1)).toMatchObject({ state: 'done', ok: 4, fields: { one: { max: 7 }, cores: { sum: 14 } } })
    const counts = aggregates.map(one => one.ok)
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    const whole = await eventsOf(run.id, '?by=cores')
    expect(whole.filter(one => one.event === 'target')).toHaveLength(4)
    expect(whole.at(-2)).toMatchObject({
      event: 'aggregate',
      data: { by: 'cores', groups: [{ key: '4', ok: 3 }, { key: '2' }] },
    })
  })
})

describe('the output of a target', () => {
  test('that its host has not begun to write is asked for again when it begins', async () => {
    const begun = silent.started.length
    const run = await start('silent', 'load', 0)
    const call = await until('the silent one has its call', () => silent.started[begun])
    const headers = { authorization: `Bearer ${await mote.token('runs:read')}` }
    const read = () => fetch(`${mote.url}/v1/runs/${run.id}/output/silent`, { headers })
    const reading = read()
    await until('it was asked', () => silent.heard.some(one => one.kind === 'output.pull' && one.body.id === call))
    output = { text: 'hello', end: 'whole' }
    await silent.say('call.running', { id: call })
    expect(await (await reading).text()).toBe('hello')
    output = { text: '', end: 'gone' }
    await silent.finish(call, { ok: true, value: values['load'] })
    expect((await read()).status).toBe(404)
  })
})

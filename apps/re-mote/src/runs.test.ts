import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Host, Run } from '@re-ops/protocols'
import { testPool, testPostgres, type TestPostgres } from '@re-ops/service/testing'
import type pg from 'pg'
import {
  enrolHost,
  startFakeAgent,
  startMote,
  until,
  type FakeAgent,
  type FakeAgentOptions,
  type TestMote,
} from './testing/index.ts'

let postgres: TestPostgres
let mote: TestMote
let sql: pg.Pool
beforeAll(async () => {
  postgres = await testPostgres()
  sql = testPool(postgres.url)
  sql.on('error', () => undefined)
  mote = await startMote({ databaseUrl: postgres.url })
})
afterAll(async () => {
  await mote.stop()
  await sql.end()
  await postgres.drop()
})
const agents: FakeAgent[] = []
afterEach(() => agents.splice(0).forEach(agent => agent.close()))

let count = 0
const startAgent = async (
  options: Partial<FakeAgentOptions> = {},
): Promise<FakeAgent & { host: string; name: string }> => {
  count += 1
  const name = `host-${count}`
  const identity = await enrolHost(mote, { name })
  const agent = startFakeAgent({ endpoint: mote.endpoint, serverKey: identity.serverKey, identity, name, ...options })
  agents.push(agent)
  await agent.live()
  await until(
    'the host is online',
    async () => ((await mote.ask('GET', `/v1/hosts/${identity.host}`)).body as Host).online,
  )
  return Object.assign(agent, { host: identity.host, name })
}
const ping = { kind: 'call', operation: 'ping' }
const shell = { kind: 'call', operation: 'shell', input: { argv: ['true'] } }
const start = async (on: string, pipeline: unknown, more: object = {}, wait = 10) => {
  const { status, body } = await mote.ask('POST', `/v1/runs?wait=${wait}`, { body: { on, pipeline, ...more } })
  return { status, run: body as Run }
}
const ended = (id: string) =>
  until('the run ends', async () => {
    const run = (await mote.ask('GET', `/v1/runs/${id}`)).body as Run
    return run.state === 'done' ? run : null
  })

describe('a run', () => {
  test('goes to the host, comes back, and is stored', async () => {
    const agent = await startAgent({ answer: call => ({ ok: true, value: { pong: call.operation } }) })
    const { status, run } = await start(agent.name, ping)
    expect(status).toBe(201)
    expect(run).toMatchObject({ state: 'done', summary: { expected: 1, ok: 1, failed: 0, failures: {} } })
    expect(run.targets).toMatchObject([
      { host: { id: agent.host, name: agent.name }, state: 'ok', value: { pong: 'ping' } },
    ])
    const stored = (await mote.ask('GET', `/v1/runs/${run.id}`)).body as Run
    expect(stored.targets).toEqual(run.targets)
    await until('the result is settled', () => agent.settled.has(agent.started[0] as string))
  })

  test('of several steps goes on at each host by itself, and waits at a gather', async () => {
    const [fast, slow] = [
      await startAgent({ answer: () => ({ ok: true, value: 'f' }) }),
      await startAgent({ answer: () => 'never' }),
    ]
    const on = `${fast.name} or ${slow.name}`
    const { run } = await start(on, { kind: 'sequence', steps: [ping, ping, { kind: 'gather' }, ping] }, {}, 0)
    await until('the fast host stands at the barrier', async () => {
      const { targets = [] } = (await mote.ask('GET', `/v1/runs/${run.id}`)).body as Run
      return targets.find(target => target.host.id === fast.host)?.step === '3:gather'
    })
    expect(fast.started).toHaveLength(2)
    for (const nth of [1, 2]) {
      const id = await until('the slow host has its call', () => slow.started[nth - 1])
      await slow.finish(id, { ok: true, value: nth })
    }
    await until('both are past the barrier', () => fast.started.length === 3 && slow.started.length === 3)
    await slow.finish(slow.started[2] as string, { ok: true, value: 'end' })
    const done = await ended(run.id)
    expect(done.targets?.map(target => target.value)).toEqual(['f', 'end'])
  })

  test('is unreachable at once where there is no session, and takes the fallback', async () => {
    const agent = await startAgent({ reconnect: false })
    agent.close()
    await until('it is offline', async () => !((await mote.ask('GET', `/v1/hosts/${agent.host}`)).body as Host).online)
    const { run } = await start(agent.name, ping)
    expect(run.targets?.[0]).toMatchObject({
      state: 'unreachable',
      failure: { kind: 'unreachable', step: 'ping', started: 'no' },
    })
    const recovered = await start(agent.name, { kind: 'recover', step: ping, fallback: { kind: 'gather' } })
    expect(recovered.run.targets?.[0]?.state).toBe('ok')
  })

  test('keeps the failure that the agent reports', async () => {
    const failure = { kind: 'exit' as const, message: 'ended with 3', step: '', code: 3, stderrTail: 'no' }
    const agent = await startAgent({ answer: () => ({ ok: false, failure }) })
    const { run } = await start(agent.name, shell)
    expect(run.summary).toMatchObject({ ok: 0, failed: 1, failures: { exit: 1 } })
    expect(run.targets?.[0]?.failure).toMatchObject({ kind: 'exit', code: 3, step: 'shell', callId: agent.started[0] })
  })

  test('streams each target once, then done, also when it is over', async () => {
    const agent = await startAgent()
    const { run } = await start(agent.name, ping)
    const response = await fetch(`${mote.url}/v1/runs/${run.id}/events`, {
      headers: { authorization: `Bearer ${await mote.token('runs:read')}` },
    })
    const text = await response.text()
    expect(text.match(/^event: .*/gm)).toEqual(['event: target', 'event: done'])
  })

  test('sends a host few calls at a time, the others in turn', async () => {
    const agent = await startAgent({ answer: () => 'never' })
    const runs = await Promise.all(Array.from({ length: 50 }, () => start(agent.name, shell, {}, 0)))
    await until('the first calls are there', () => agent.started.length === 32)
    for (let n = 0; n < 50; n += 1)
      await agent.finish(await until(`call ${n + 1}`, () => agent.started[n]), { ok: true, value: n })
    for (const { run } of runs) expect((await ended(run.id)).summary).toMatchObject({ ok: 1 })
    expect(agent.started).toHaveLength(50)
  })

  test('is cancelled: what is running is ended by the host', async () => {
    const agent = await startAgent({ answer: () => 'never' })
    const { run } = await start(agent.name, shell, {}, 0)
    await until('it runs', () => agent.started[0])
    await mote.ask('POST', `/v1/runs/${run.id}/cancel`)
    expect((await ended(run.id)).targets?.[0]).toMatchObject({ state: 'cancelled' })
  })

  test('a reply lost and asked for again with its key is one run', async () => {
    const agent = await startAgent()
    const ask = (on: string) =>
      mote.ask('POST', '/v1/runs?wait=5', { body: { on, pipeline: ping }, headers: { 'idempotency-key': 'once' } })
    const [first, second] = [await ask(agent.name), await ask(agent.name)]
    expect((second.body as Run).id).toBe((first.body as Run).id)
    expect(second.status).toBe(201)
    expect(agent.started).toHaveLength(1)
    expect((await ask('*')).status).toBe(409)
  })

  test('a result that Postgres might refuse is stored byte for byte', async () => {
    const value = { nul: 'a\u0000b', half: '\ud800', quote: '\\u0000' }
    const agent = await startAgent({ answer: () => ({ ok: true, value }) })
    const { run } = await start(agent.name, ping)
    expect(run.targets?.[0]?.value).toEqual(value)
    expect(((await mote.ask('GET', `/v1/runs/${run.id}`)).body as Run).targets?.[0]?.value).toEqual(value)
  })

  test('is timed out by the service when the host says nothing: lost, and the answer that comes later is kept beside', async () => {
    const agent = await startAgent({ answer: () => 'never' })
    const { run } = await start(agent.name, shell, { timeoutMs: 50 }, 15)
    expect(run.targets?.[0]).toMatchObject({ state: 'lost', failure: { started: 'yes' } })
    const id = agent.started[0] as string
    await agent.finish(id, { ok: true, value: 'late' })
    await until('it is settled', () => agent.settled.has(id))
    const { rows } = await sql.query('select state, late from mote.target where call = $1', [id])
    expect(rows[0]).toMatchObject({ state: 'lost', late: { result: { ok: true, value: 'late' } } })
  })

  test('lost without a word of its host: it is asked at once, and that it never began is kept beside', async () => {
    const agent = await startAgent({ answer: () => 'deaf' })
    const { run } = await start(agent.name, shell, { timeoutMs: 50 }, 15)
    expect(run.targets?.[0]).toMatchObject({ state: 'lost', failure: { started: 'unknown' } })
    const target = await until('it is known', async () => {
      const [now] = ((await mote.ask('GET', `/v1/runs/${run.id}`)).body as Run).targets ?? []
      return now?.late ? now : null
    })
    const failure = {
      kind: 'unreachable',
      started: 'no',
      step: 'shell',
      message: expect.stringContaining('never will'),
    }
    expect(target).toMatchObject({ state: 'lost', late: { ok: false, failure } })
    await until('nothing is left to ask', async () => (await sql.query('select from mote.given_up')).rowCount === 0)
  })
})

describe('what fails on the way', () => {
  test('a session that ends before the acknowledgement: the call is asked for, and sent anew under another id when it is unknown', async () => {
    let deaf = true
    const agent = await startAgent({ answer: () => (deaf ? 'deaf' : { ok: true, value: 'heard' }) })
    const { run } = await start(agent.name, shell, {}, 0)
    const sent = await until('it was sent', () => agent.heard.find(message => message.kind === 'call'))
    deaf = false
    agent.redial()
    const done = await ended(run.id)
    expect(done.targets?.[0]).toMatchObject({ state: 'ok', value: 'heard' })
    expect(agent.started).not.toContain((sent.body as { id: string }).id)
    const { rows } = await sql.query(
      `select state, created_at from mote.call where run = $1 union all select state, call_at from mote.target where run = $1 order by 2`,
      [run.id],
    )
    expect(rows.map(row => row.state)).toEqual(['unreachable', 'ok'])
  })

  test('a result that comes in a later session ends the call', async () => {
    const agent = await startAgent({ answer: () => 'never' })
    const { run } = await start(agent.name, shell, {}, 0)
    const id = await until('it runs', () => agent.started[0])
    agent.redial()
    await agent.finish(id, { ok: true, value: 'still here' })
    expect((await ended(run.id)).targets?.[0]).toMatchObject({ state: 'ok', value: 'still here' })
  })

  test('the broker killed: calls under way end as if nothing had been', async () => {
    const agent = await startAgent({ answer: () => 'never' })
    const { run } = await start(agent.name, shell, {}, 0)
    const id = await until('it runs', () => agent.started[0])
    process.kill(await brokerPid(), 'SIGKILL')
    // Asked for while the broker is away: held until the host is back, which takes a moment only.
    const second = await start(agent.name, ping, {}, 0)
    await until('the agent has the second call', () => agent.started[1])
    await agent.finish(id, { ok: true, value: 1 })
    await agent.finish(agent.started[1] as string, { ok: true, value: 2 })
    expect((await ended(run.id)).targets?.[0]).toMatchObject({ state: 'ok', value: 1 })
    expect((await ended(second.run.id)).targets?.[0]).toMatchObject({ state: 'ok', value: 2 })
    expect(agent.started).toHaveLength(2)
  })

  test('the service killed: runs go on from Postgres where they were', async () => {
    const agent = await startAgent({ answer: () => 'never' })
    const { run } = await start(agent.name, { kind: 'sequence', steps: [shell, ping] }, {}, 0)
    const id = await until('it runs', () => agent.started[0])
    mote.signal('SIGKILL')
    await mote.exited
    await agent.finish(id, { ok: true, value: 1 })
    await mote.again()
    const next = await until('the second step', () => agent.started[1])
    await agent.finish(next, { ok: true, value: 'whole' })
    expect((await ended(run.id)).targets?.[0]).toMatchObject({ state: 'ok', value: 'whole' })
    await until('both are settled', () => agent.settled.has(id) && agent.settled.has(next))
  })
})

const brokerPid = async (): Promise<number> => {
  const { readAddressFile } = await import('@re-ops/service')
  const address = await readAddressFile(mote.state, 're-mote')
  const brokers = (address?.['brokers'] ?? []) as { pid: number }[]
  return brokers[0]?.pid ?? 0
}

import { readFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId, type CallResult, type Problem, type Run, type Target } from '@re-ops/protocols'
import { testPool, testPostgres, type TestPostgres } from '@re-ops/service/testing'
import type pg from 'pg'
import { enrolHost, startFakeAgent, startMote, until, type FakeAgent, type TestMote } from './testing/index.ts'

let postgres: TestPostgres
let mote: TestMote
let sql: pg.Pool
const agents: FakeAgent[] = []
beforeAll(async () => {
  postgres = await testPostgres()
  sql = testPool(postgres.url, 3)
  sql.on('error', () => undefined)
  mote = await startMote({ databaseUrl: postgres.url })
})
afterAll(async () => {
  agents.forEach(agent => agent.close())
  await mote.stop()
  await sql.end()
  await postgres.drop()
})

const MiB = 1024 * 1024
/** Resident memory of the service, and its peak since the last reset. */
const residentBytes = (of: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`${of}:\\s+(\\d+)`).exec(readFileSync(`/proc/${mote.pid}/status`, 'utf8'))?.[1]) * 1024

/** A run that has ended on so many hosts, each with a result of so many bytes, straight into its tables. */
const storedRun = async (hosts: number, bytes: number): Promise<string> => {
  const id = newId()
  await sql.query(
    `insert into mote.run (id, selector, pipeline, state, created_by, request_id, expected, open, ok, failed, finished_at)
     values ($1, '*', '{"kind":"call","operation":"shell","input":{"argv":["true"]}}', 'done', 'test', 'test', $2, 0, $2, 0, now())`,
    [id, hosts],
  )
  await sql.query(
    `insert into mote.target (run, host, host_name, state, ms, value, finished_at)
     select $1, gen_random_uuid(), 'many-' || n, 'ok', 1, to_json(repeat(md5(n::text), $3::int / 32)), now() from generate_series(1, $2::int) n`,
    [id, hosts, bytes],
  )
  return id
}
const openEvents = async (run: string): Promise<IncomingMessage> => {
  const headers = { authorization: `Bearer ${await mote.token('runs:read')}` }
  const opened = Promise.withResolvers<IncomingMessage>()
  request(`${mote.url}/v1/runs/${run}/events`, { headers }, opened.resolve).on('error', opened.reject).end()
  return opened.promise
}

test('readers of events who read nothing hold next to nothing in the service, and get everything when they read', async () => {
  const [hosts, bytes] = [1_200, 64 * 1024]
  const run = await storedRun(hosts, bytes)
  const before = residentBytes('VmRSS')
  const readers = await Promise.all([1, 2].map(() => openEvents(run)))
  // They stand still with full sockets; the service has answered others since, so it had time to read on, if it did.
  for (let n = 0; n < 20; n += 1) await mote.ask('GET', `/v1/runs/${run}?targets=false`)
  await until('the first events are there', () => readers.every(reader => reader.readableLength > 0))
  // Each of them would be all of it.
  expect(residentBytes('VmRSS') - before).toBeLessThan(hosts * bytes)
  const read = async (reader: IncomingMessage) => {
    let [targets, rest, seen] = [0, '', 0]
    for await (const chunk of reader.setEncoding('utf8') as AsyncIterable<string>) {
      const text = rest + chunk
      const lines = text.split('\n')
      rest = (lines.pop() ?? '').slice(-20)
      targets += lines.filter(line => line === 'event: target').length
      seen += lines.filter(line => line === 'event: done').length
    }
    return { targets, done: seen }
  }
  for (const got of await Promise.all(readers.map(read))) expect(got).toEqual({ targets: hosts, done: 1 })
  expect(residentBytes('VmHWM') - before).toBeLessThan(hosts * bytes * 2)
})

test('a run with more results than fit one answer says so, and gives them in pages', async () => {
  const run = await storedRun(200, 128 * 1024)
  const { status, body } = await mote.ask('GET', `/v1/runs/${run}`)
  expect(status).toBe(413)
  expect((body as Problem).detail).toContain(`GET /v1/runs/${run}/targets gives them in pages`)
  expect(((await mote.ask('GET', `/v1/runs/${run}?targets=false`)).body as Run).summary.ok).toBe(200)
  const seen: string[] = []
  for (let after = ''; ;) {
    const page = (await mote.ask('GET', `/v1/runs/${run}/targets?limit=1000${after}`)).body as Target[]
    if (page.length === 0) break
    expect(page.length * 128 * 1024).toBeLessThanOrEqual(16 * MiB + 128 * 1024)
    seen.push(...page.map(target => target.host.name))
    after = `&after=${page.at(-1)?.host.id}`
  }
  expect(new Set(seen).size).toBe(200)
  expect(seen).toEqual(seen.toSorted())
})

test('results beyond what may wait for Postgres stay where they are, and all arrive when it is back', async () => {
  const [hosts, runs, chars] = [8, 32, 480_000]
  const told = Promise.withResolvers<CallResult>()
  for (let nth = 0; nth < hosts; nth += 1) {
    const name = `chatty-${nth}`
    const identity = await enrolHost(mote, { name })
    const { endpoint } = mote
    agents.push(startFakeAgent({ endpoint, serverKey: identity.serverKey, identity, name, answer: () => told.promise }))
  }
  await Promise.all(agents.map(agent => agent.live()))
  const read = async (id: string) => (await mote.ask('GET', `/v1/runs/${id}?targets=false`)).body as Run
  const ids: string[] = []
  for (let n = 0; n < runs; n += 1) {
    const body = { on: 'chatty-*', pipeline: { kind: 'call', operation: 'uptime' } }
    ids.push(((await mote.ask('POST', '/v1/runs', { body })).body as Run).id)
  }
  await until('all are at work', () => agents.every(agent => agent.started.length === runs), patienceMs)
  const client = await sql.connect()
  try {
    await client.query('begin; lock table mote.target in exclusive mode')
    told.resolve({ ok: true, value: 'x'.repeat(chars) })
    await until('the broker is asked to wait', () => mote.log().includes('faster than they can be stored'), patienceMs)
    // The service has answered this often since, so what was on its way to it has come.
    for (let n = 0; n < 30; n += 1) await read(ids[0] as string)
    expect(await waitingResults()).toBeLessThan(hosts * runs * 0.9)
  } finally {
    await client.query('rollback')
    client.release()
  }
  for (const id of ids) await until('the run ends', async () => (await read(id)).state === 'done', patienceMs)
  for (const id of ids) expect((await read(id)).summary).toMatchObject({ expected: hosts, ok: hosts })
})
const patienceMs = 60_000
const waitingResults = async (): Promise<number> => {
  const text = await (await fetch(`${mote.url}/metrics`)).text()
  return Number(/^mote_commit_queue\{.*\} (\d+)/m.exec(text)?.[1] ?? Number.NaN)
}

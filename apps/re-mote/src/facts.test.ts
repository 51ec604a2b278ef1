import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { CallResult, Host, Run } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { enrolHost, startFakeAgent, startMote, until, type FakeAgent, type TestMote } from './testing/index.ts'
import { makeFreshFacts, type FreshFactsDeps } from './services/fresh-facts.ts'
import { makeLog, makePool, type Pool } from '@re-ops/service'

let postgres: TestPostgres
let mote: TestMote
let pool: Pool
const log = makeLog({ service: 'test', level: 'silent' })
beforeAll(async () => {
  postgres = await testPostgres()
  mote = await startMote({ databaseUrl: postgres.url, environment: { REMOTE_FACTS_HOURS: '12' } })
  pool = makePool({ url: postgres.url, log, max: 2, applicationName: 'test' })
})
afterAll(async () => {
  await pool?.end()
  await mote?.stop()
  await postgres?.drop()
})
const agents: FakeAgent[] = []
afterEach(() => agents.splice(0).forEach(agent => agent.close()))

const facts = { os: { id: 'debian' } }
let count = 0
const connect = async (answer: (operation: string) => CallResult) => {
  count += 1
  const name = `host-${count}`
  const identity = await enrolHost(mote, { name })
  const asked: string[] = []
  const dial = () => {
    const agent = startFakeAgent({
      endpoint: mote.endpoint,
      serverKey: identity.serverKey,
      identity,
      name,
      answer: ({ operation }) => {
        asked.push(operation)
        return answer(operation)
      },
    })
    agents.push(agent)
    return agent
  }
  await dial().live()
  return { name, id: identity.host, asked }
}
const hostOf = async (id: string) => (await mote.ask('GET', `/v1/hosts/${id}`)).body as Host
const answered = () => ({ ok: true as const, value: facts })

describe('facts of hosts that connect', () => {
  test('are read without being asked for, by a run of re-mote, and select the host', async () => {
    const host = await connect(answered)
    await until('the facts are kept', async () => (await hostOf(host.id)).factsAt !== null, 30_000)
    const found = (await mote.ask('GET', '/v1/hosts?on=fact:os.id%3Ddebian')).body as Host[]
    expect(found.map(one => one.name)).toEqual([host.name])
    expect(host.asked).toEqual(['facts'])
    const runs = (await mote.ask('GET', '/v1/runs')).body as Run[] | { runs: Run[] }
    const all = Array.isArray(runs) ? runs : runs.runs
    expect(all[0]).toMatchObject({ createdBy: 're-mote', on: host.name, summary: { ok: 1 } })
  }, 60_000)

  test('a host whose facts are fresh, and one that has just been asked in vain, are not asked again', async () => {
    const refuses = () => ({ ok: false as const, failure: { kind: 'exit' as const, message: 'no', step: 'facts' } })
    const [fresh, deaf] = [await connect(answered), await connect(refuses)]
    await until('the facts are kept', async () => (await hostOf(fresh.id)).factsAt !== null, 30_000)
    await until('the other was asked', () => deaf.asked.length === 1, 30_000)
    const last = await connect(answered)
    await until('the last one is asked', async () => (await hostOf(last.id)).factsAt !== null, 30_000)
    expect([fresh.asked, deaf.asked]).toEqual([['facts'], ['facts']])
  }, 90_000)
})

describe('when', () => {
  const asker = (deps: Partial<FreshFactsDeps>) => {
    const bodies: unknown[] = []
    const fresh = makeFreshFacts({
      log,
      pool,
      hours: 0.000_001,
      isOnline: () => true,
      calls: () => 0,
      run: body => Promise.resolve(bodies.push(body)),
      ...deps,
    })
    return { fresh, bodies }
  }
  test('facts are old they are read again; not while many calls are under way, and never when that is off', async () => {
    const host = await connect(answered)
    await until('the facts are kept', async () => (await hostOf(host.id)).factsAt !== null, 30_000)
    let calls = 10_000
    const [busy, off, on] = [asker({ calls: () => calls }), asker({ hours: 0 }), asker({})]
    for (const { fresh } of [busy, off, on]) fresh.noteLive()
    try {
      await until('the run', () => on.bodies.length > 0, 30_000)
      expect(on.bodies[0]).toMatchObject({ on: expect.stringContaining(host.name), pipeline: { operation: 'facts' } })
      expect([busy.bodies, off.bodies]).toEqual([[], []])
      calls = 0
      await until('the run that waited', () => busy.bodies.length > 0, 30_000)
      expect(off.bodies).toEqual([])
    } finally {
      for (const { fresh } of [busy, off, on]) fresh.close()
    }
  }, 90_000)
})

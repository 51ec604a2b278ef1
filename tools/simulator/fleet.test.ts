import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Run } from '@re-ops/protocols'
import { startMote, until, type TestMote } from '@re-ops/re-mote/testing'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { journalFacts } from '../chaos/foundation/journals.ts'
import { startFleet, type Fleet, type Stats } from './index.ts'

const agents = 24
const folder = mkdtempSync(join(tmpdir(), 'reops-fleet-'))
let postgres: TestPostgres
let mote: TestMote
let fleet: Fleet
beforeAll(async () => {
  postgres = await testPostgres()
  mote = await startMote({ databaseUrl: postgres.url })
  const operations = [{ name: 'uptime', reads: false, tookMs: [20_000, 20_000] as const }]
  const token = await mote.token('admin')
  const labels = { kind: 'test' }
  fleet = await startFleet({ agents, processes: 2, moteUrl: mote.url, token, stateFolder: folder, operations, labels })
  await fleet.ready()
})
afterAll(async () => {
  await fleet?.stop()
  await mote?.stop()
  await postgres?.drop()
  rmSync(folder, { recursive: true, force: true })
})

const ping = async (timeoutMs = 20_000): Promise<Run['summary']> => {
  const body = { on: 'kind=test', pipeline: { kind: 'call', operation: 'ping' }, timeoutMs }
  return ((await mote.ask('POST', '/v1/runs?wait=60', { body })).body as Run).summary
}
const allOk = { expected: agents, ok: agents, failed: 0, failures: {} }
/** Calls that any agent started more than once. */
const startedTwice = (): string[] =>
  fleet.journals().flatMap(agent => [...journalFacts(agent.lines()).starts].filter(([, n]) => n > 1).map(([id]) => id))

test('every agent is a host of its own, and what it does is in its journal', async () => {
  const before = await fleet.stats()
  expect(await ping()).toMatchObject(allOk)
  const after = await until('all results are settled', async () => {
    const now = await fleet.stats()
    return now.settled - before.settled === agents ? now : null
  })
  expect([after.started - before.started, after.ended - before.ended]).toEqual([agents, agents])
  const acks = ({ said }: Stats) => (said['call.acked'] ?? 0) + (said['call.result+acked'] ?? 0)
  expect(acks(after) - acks(before)).toBe(agents)
  await until('each has its lines on disk', () =>
    fleet
      .journals()
      .every(agent => ['boot', 'start', 'end', 'settled'].every(t => agent.lines().some(line => line.t === t))),
  )
})

test('agents that lost their memory come back as a new life and report what they had begun as lost', async () => {
  const before = await fleet.stats()
  const body = { on: 'kind=test', pipeline: { kind: 'call', operation: 'uptime' } }
  const { id } = (await mote.ask('POST', '/v1/runs', { body })).body as Run
  await until('all have started', async () => (await fleet.stats()).started - before.started === agents)
  expect(await fleet.strike('all', 'crash')).toBe(agents)
  const run = await until(
    'the run is done',
    async () => {
      const now = (await mote.ask('GET', `/v1/runs/${id}`)).body as Run
      return now.state === 'done' ? now : null
    },
    60_000,
  )
  expect(run.summary).toMatchObject({ expected: agents, ok: 0, failures: { lost: agents } })
  const after = await fleet.stats()
  expect([after.lives - before.lives, after.lost - before.lost]).toEqual([agents, agents])
  await fleet.ready()
  expect(await ping()).toMatchObject(allOk)
  expect(startedTwice()).toEqual([])
})

test('messages that come twice, again, late and with a wrong token change nothing', async () => {
  const shares = { duplicate: 0.5, replay: 0.5, wrongToken: 0.5, delay: 0.2, delayMs: 50 }
  expect(await fleet.fault('all', shares)).toBe(agents)
  for (let n = 0; n < 3; n += 1) expect(await ping(60_000)).toMatchObject(allOk)
  await fleet.fault('all', {})
  const { faults } = await fleet.stats()
  for (const fault of ['duplicate', 'replay', 'wrongToken', 'delay'] as const) expect(faults[fault]).toBeGreaterThan(5)
  await until('the broker has counted the forged ones', async () =>
    /mote_broker_drops_total\{reason="wrong-token".*\} [1-9]/.test(await (await fetch(`${mote.url}/metrics`)).text()),
  )
  await fleet.ready()
  expect(startedTwice()).toEqual([])
})

test('agents whose links are cut, or whose process is killed, come back as the same hosts', async () => {
  const { hellos } = await fleet.stats()
  expect(await fleet.strike(0.5, 'cut')).toBe(agents / 2)
  await until(
    'the cut ones have a new session',
    async () => (await fleet.stats()).hellos - hellos >= agents / 2,
    30_000,
  )
  await fleet.kill(0)
  await fleet.ready()
  expect(await ping()).toMatchObject(allOk)
  expect((await mote.ask('GET', '/v1/hosts?on=kind%3Dtest')).body).toHaveLength(agents)
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Run } from '@re-ops/protocols'
import { startMote, until, type TestMote } from '@re-ops/re-mote/testing'
import { testPool, testPostgres, type TestPostgres } from '@re-ops/service/testing'
import type pg from 'pg'
import { startFleet, type Fleet } from './index.ts'

const [agents, batch, canary] = [120, 12, 6]
const folder = mkdtempSync(join(tmpdir(), 'reops-rollout-'))
let postgres: TestPostgres
let sql: pg.Pool
let mote: TestMote
let fleet: Fleet
beforeAll(async () => {
  postgres = await testPostgres()
  sql = testPool(postgres.url)
  sql.on('error', () => undefined)
  mote = await startMote({ databaseUrl: postgres.url })
  const operations = [{ name: 'shell', reads: false, tookMs: [100, 600] as const }]
  const token = await mote.token('admin')
  fleet = await startFleet({ agents, processes: 2, moteUrl: mote.url, token, stateFolder: folder, operations })
  await fleet.ready()
}, 180_000)
afterAll(async () => {
  await fleet?.stop()
  await mote?.stop()
  await sql?.end()
  await postgres?.drop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

type Turn = { readonly from: number; readonly to: number }
/** When each host had its turn, by the database's clock: from the commit of its call to the commit of its end. */
const turnsOf = async (run: string): Promise<Turn[]> => {
  const { rows } = await sql.query<Turn>(
    `select extract(epoch from call_at)::float8 as from, extract(epoch from finished_at)::float8 as to
     from mote.target where run = $1 order by call_at`,
    [run],
  )
  return rows
}

test('a rollout over a fleet, its service killed in the middle, twice: each host begins once, in its turn, and no window is exceeded', async () => {
  const body = { on: 'simulated=true', pipeline: { kind: 'call', operation: 'shell', input: { argv: ['true'] } } }
  const { id } = (await mote.ask('POST', '/v1/runs', { body: { ...body, batch, canary, maxFailures: 0 } })).body as Run
  const read = async () => (await mote.ask('GET', `/v1/runs/${id}?targets=false`)).body as Run
  const patienceMs = 120_000
  for (const some of [agents / 6, agents / 2]) {
    await until(`${some} have ended`, async () => (await read()).summary.ok >= some, patienceMs)
    mote.signal('SIGKILL')
    await mote.exited
    await mote.again()
  }
  await until('the run ends', async () => (await read()).state === 'done', patienceMs)
  expect(await read()).toMatchObject({ summary: { expected: agents, ok: agents, failed: 0 } })
  for (const agent of fleet.journals())
    expect(agent.lines().filter(line => line.t === 'start' && line.op === 'shell')).toHaveLength(1)
  const turns = await turnsOf(id)
  for (const { from } of turns)
    expect(turns.filter(other => other.from <= from && from < other.to).length).toBeLessThanOrEqual(batch)
  const canariesEnd = Math.max(...turns.slice(0, canary).map(turn => turn.to))
  for (const turn of turns.slice(canary)) expect(turn.from).toBeGreaterThanOrEqual(canariesEnd)
}, 400_000)

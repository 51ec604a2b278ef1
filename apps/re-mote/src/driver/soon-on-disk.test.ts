import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { makeLog, makePool, type Pool } from '@re-ops/service'
import type { Batch } from '../store/commit.ts'
import { driverLimits } from './limits.ts'
import { makeSoonOnDisk, type SoonOnDisk } from './soon-on-disk.ts'
import { migratedDatabase, type MigratedDatabase } from '../testing/migrated.ts'

const log = makeLog({ service: 'test', level: 'silent' })
const host = newId()
let database: MigratedDatabase
let pool: Pool
let lax: Pool
let settled: string[] = []
let soon: SoonOnDisk
beforeAll(async () => {
  database = await migratedDatabase()
  pool = database.pool
  lax = makePool({ url: database.url, log, max: 1 })
  const settle = (pairs: readonly { id: string }[]) => settled.push(...pairs.map(pair => pair.id))
  const never = 2 ** 31 - 1 // but when a test says so
  soon = makeSoonOnDisk({ log, lax, pool, settle, flushDelayMs: never })
})
afterAll(async () => {
  await lax.end()
  await database.close()
})

/** A run of one host whose call is under way, and the batch that ends it. */
const callUnderWay = async (): Promise<{ run: string; call: string; batch: Batch }> => {
  const [run, call] = [newId(), newId()]
  await pool.query(
    `insert into mote.run (id, selector, pipeline, created_by, request_id, expected, open, ok, failed, state)
     values ($1, '*', '{}', 'test', 'test', 1, 1, 0, 0, 'running')`,
    [run],
  )
  await pool.query(
    `insert into mote.target (run, host, host_name, state, call, call_state) values ($1, $2, 'a', 'queued', $3, 'sent')`,
    [run, host, call],
  )
  const target = { state: 'ok', step: null, cursor: undefined, gathered: false, ms: 1, value: 7, terminal: true }
  const item = { ended: { id: call, state: 'ok', operation: 'ping' }, run, host, target, next: null }
  return { run, call, batch: { items: [item], id: newId(), again: false } }
}
const stateOf = async (run: string): Promise<unknown> =>
  (await pool.query('select state, ok, open from mote.run where id = $1', [run])).rows[0]

test('an end is seen by all at once, and settled when the disk has it', async () => {
  const { run, call, batch } = await callUnderWay()
  settled = []
  expect(await soon.commit(batch, [{ host, id: call }], 10)).toEqual(new Set([call]))
  expect(await stateOf(run)).toEqual({ state: 'done', ok: 1, open: 0 })
  expect(settled).toEqual([])
  await soon.drained()
  expect(settled).toEqual([call])
})

test('what Postgres lost when it died is committed again, and settled after that', async () => {
  const { run, call, batch } = await callUnderWay()
  settled = []
  await soon.commit(batch, [{ host, id: call }], 10)
  // As after a crash: the connection is gone, and what it had committed too.
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query like '%ended_by%'`,
  )
  await pool.query(
    `update mote.target set state = 'queued', value = null, ended_by = null, finished_at = null where run = $1`,
    [run],
  )
  await pool.query(`update mote.run set state = 'running', open = 1, ok = 0, finished_at = null where id = $1`, [run])
  await soon.drained()
  expect(settled).toEqual([call])
  expect(await stateOf(run)).toEqual({ state: 'done', ok: 1, open: 0 })
})

test('what was lost with the answer only is not counted twice', async () => {
  const { run, call, batch } = await callUnderWay()
  settled = []
  await soon.commit(batch, [{ host, id: call }], 10)
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query like '%ended_by%'`,
  )
  await soon.drained()
  expect(settled).toEqual([call])
  expect(await stateOf(run)).toEqual({ state: 'done', ok: 1, open: 0 })
})

test('there is room for so many bytes until they are on disk', async () => {
  const { call, batch } = await callUnderWay()
  await soon.commit(batch, [{ host, id: call }], driverLimits.unflushedBytesMax)
  expect(soon.takes(1)).toBe(false)
  await soon.drained()
  expect(soon.takes(driverLimits.unflushedBytesMax)).toBe(true)
})

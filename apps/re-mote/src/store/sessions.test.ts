import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { transaction, type Pool } from '@re-ops/service'
import { judgeHellos } from './sessions.ts'
import { migratedDatabase, type MigratedDatabase } from '../testing/migrated.ts'

const [brokerA, brokerB] = [newId(), newId()]
let database: MigratedDatabase
let pool: Pool
beforeAll(async () => {
  database = await migratedDatabase()
  pool = database.pool
})
afterAll(async () => {
  await database.close()
})

const enrolled = async (): Promise<string> => {
  const { rows } = await pool.query<{ id: string }>(
    `insert into mote.host (id, name, curve_key, sign_key, instance) values ($1::uuid, $1::text, $1::text, $1::text, $1::text) returning id`,
    [newId()],
  )
  return rows[0]?.id as string
}
const aMinuteAgo = () => Date.now() - 60_000
/** How a broker's hello of this host is judged. */
const judged = async (
  broker: string,
  hello: { agent: string; boot: string; journalCounter?: number; challengedAt?: number },
) => {
  const facts = { kind: 'hello' as const, routing: '00', name: 'a', pid: 1, version: '0.1.0' }
  // Challenged at the very moment it is judged, unless said otherwise: what passes between the two would make it look older.
  const whole = { journalCounter: 1, challengedAt: Number.POSITIVE_INFINITY, ...facts, ...hello }
  const [one] = await transaction(pool, tx => judgeHellos(tx, broker, [whole]))
  return one?.verdict
}

test('a hello that was under way while its agent came back with another broker is stale, and one that comes again is of a copy', async () => {
  const [agent, before, now] = [await enrolled(), newId(), newId()]
  expect(await judged(brokerA, { agent, boot: before })).toBe('ok')
  expect(await judged(brokerB, { agent, boot: now, journalCounter: 5 })).toBe('ok')
  expect(await judged(brokerA, { agent, boot: before, journalCounter: 5, challengedAt: aMinuteAgo() })).toBe('stale')
  expect(await judged(brokerA, { agent, boot: now, journalCounter: 4, challengedAt: aMinuteAgo() })).toBe('stale')
  expect(await judged(brokerA, { agent, boot: now, journalCounter: 5, challengedAt: aMinuteAgo() })).toBe('ok')
  const { rows } = await pool.query('select state from mote.host where id = $1', [agent])
  expect(rows).toEqual([{ state: 'enrolled' }])
  expect(await judged(brokerA, { agent, boot: before, journalCounter: 5 })).toBe('clone')
})

test('a journal that counts less than it did is of a copy', async () => {
  const [agent, boot] = [await enrolled(), newId()]
  expect(await judged(brokerA, { agent, boot, journalCounter: 5 })).toBe('ok')
  expect(await judged(brokerA, { agent, boot, journalCounter: 4 })).toBe('counter')
})

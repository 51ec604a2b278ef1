import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { callClasses, type CallClass } from '@re-ops/protocols'
import { makeLog, makePool } from '@re-ops/service'
import fc from 'fast-check'
import { migrations } from '../store/migrations.ts'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { blockBucket, ensureBucket, lowerBucket, takeFromBucket, type BucketKey } from './bucket.ts'

const [perSecond, burst] = [2, 20]
const beginsMs = Date.UTC(2026, 0, 1)
let database: TestDatabase
let pool: ReturnType<typeof makePool>
beforeAll(async () => {
  database = await testDatabase()
  pool = makePool({ url: await database.fresh(), log: makeLog({ service: 'test', level: 'silent' }), max: 4 })
  await pool.query('create schema core')
  for (const { sql } of migrations) await pool.query(sql)
})
afterAll(async () => {
  await pool.end()
  await database.stop()
})

const fresh = async () => {
  const key: BucketKey = { account: randomUUID(), region: 'r', family: 'api' }
  await ensureBucket(pool, key, { family: 'api', perSecond, burst })
  let now = beginsMs
  const take = async (
    callClass: CallClass,
    count = 1,
    { waiter = randomUUID(), ageMs = 0 }: { waiter?: string; ageMs?: number } = {},
  ) => {
    const verdict = await takeFromBucket(pool, key, { waiter, callClass, ageMs, count, at: new Date(now) })
    if (verdict === null) throw new Error('no bucket')
    return verdict
  }
  return {
    key,
    take,
    at: () => new Date(now),
    advance: (ms: number) => void (now += ms),
    forget: () => pool.query('delete from core.bucket_waiter where account = $1', [key.account]),
  }
}

describe('a bucket in Postgres', () => {
  test('one that does not exist is told apart', async () => {
    const key = { account: 'none', region: 'r', family: 'api' }
    const wish = { waiter: randomUUID(), callClass: 'poll', ageMs: 0, count: 1 } as const
    expect(await takeFromBucket(pool, key, wish)).toBeNull()
  })

  test('a fifth is kept for destroys; what was used comes back with time', async () => {
    const bucket = await fresh()
    expect((await bucket.take('list', 100)).granted).toBe(16)
    const refused = await bucket.take('create')
    expect([refused.granted, refused.waitMs]).toEqual([0, 500])
    await bucket.forget()
    expect((await bucket.take('destroy', 100)).granted).toBe(4)
    bucket.advance(2_500)
    expect((await bucket.take('create')).granted).toBe(1)
  })

  test('who waits goes by class, then by age; one that waits long enough goes before a higher class', async () => {
    const bucket = await fresh()
    await bucket.take('list', 16)
    const [old, young, creating] = [randomUUID(), randomUUID(), randomUUID()]
    await bucket.take('poll', 1, { waiter: young, ageMs: 10 })
    await bucket.take('poll', 1, { waiter: old, ageMs: 3_000 })
    await bucket.take('create', 1, { waiter: creating })
    bucket.advance(1_000)
    const again = async (callClass: CallClass, waiter: string, ageMs: number) =>
      (await bucket.take(callClass, 1, { waiter, ageMs })).granted
    expect(await again('poll', young, 1_010)).toBe(0)
    expect(await again('poll', old, 4_000)).toBe(0)
    expect(await again('create', creating, 1_000)).toBe(1)
    expect(await again('poll', young, 1_010)).toBe(0)
    expect(await again('poll', old, 4_000)).toBe(1)
    bucket.advance(1_000)
    expect(await again('list', randomUUID(), 0)).toBe(0)
    expect(await again('list', randomUUID(), 60_000)).toBe(1)
  })

  test('a refusal of the provider stops all, destroys too; then half as much, and slowly more', async () => {
    const bucket = await fresh()
    for (let n = 0; n < 30; n += 1) await blockBucket(pool, bucket.key, { retryAfterMs: 5_000, at: bucket.at() })
    bucket.advance(4_999)
    const refused = await bucket.take('destroy')
    expect([refused.granted, refused.waitMs]).toEqual([0, 20])
    bucket.advance(1)
    await bucket.forget()
    // Nothing gathered that could burst: half the rate of 2 a second, for 5 s.
    expect((await bucket.take('destroy', 100)).granted).toBe(5)
    bucket.advance(100_000)
    expect((await bucket.take('destroy', 100)).granted).toBe(burst)
  })

  test('what others use is taken off, and never put on', async () => {
    const bucket = await fresh()
    await lowerBucket(pool, bucket.key, { remaining: 6, at: bucket.at() })
    expect((await bucket.take('create', 100)).granted).toBe(2)
    await lowerBucket(pool, bucket.key, { remaining: 900, at: bucket.at() })
    expect((await bucket.take('create', 100)).granted).toBe(0)
  })

  test('in no window more is granted than burst and rate allow, and destroys always find their share', async () => {
    const step = fc.record({
      ms: fc.integer({ min: 0, max: 4_000 }),
      callClass: fc.constantFrom(...callClasses),
      count: fc.integer({ min: 1, max: 12 }),
      refused: fc.option(fc.integer({ min: 0, max: 6_000 }), { freq: 8 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
        const bucket = await fresh()
        const grants: { at: number; granted: number }[] = []
        let blockedUntil = 0
        for (const { ms, callClass, count, refused } of steps) {
          bucket.advance(ms)
          const at = bucket.at().getTime()
          if (refused !== null) {
            await blockBucket(pool, bucket.key, { retryAfterMs: refused, at: bucket.at() })
            blockedUntil = Math.max(blockedUntil, at + Math.max(1_000, refused))
          }
          const { granted, left } = await bucket.take(callClass, count)
          await bucket.forget()
          if (at < blockedUntil) expect(granted).toBe(0)
          if (granted > 0 && callClass !== 'destroy') expect(left).toBeGreaterThanOrEqual(0)
          grants.push({ at, granted })
          for (let from = 0; from < grants.length; from += 1) {
            const window = grants.slice(from)
            const sum = window.reduce((all, one) => all + one.granted, 0)
            expect(sum).toBeLessThanOrEqual(burst + (perSecond * (at - (window[0]?.at ?? at))) / 1_000 + 1e-6)
          }
        }
      }),
      { numRuns: 20 },
    )
  })
})

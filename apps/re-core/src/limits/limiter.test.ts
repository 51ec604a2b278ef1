import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { CallClass, LimitSpec } from '@re-ops/protocols'
import { makeLog, makePool } from '@re-ops/service'
import { migrations } from '../store/migrations.ts'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { makeLimiter } from './limiter.ts'

const quiet = makeLog({ service: 'test', level: 'silent' })
let database: TestDatabase
let pools: ReturnType<typeof makePool>[]
beforeAll(async () => {
  database = await testDatabase()
  const url = await database.fresh()
  pools = [1, 2].map(() => makePool({ url, log: quiet, max: 2 }))
  await pools[0]?.query('create schema core')
  for (const { sql } of migrations) await pools[0]?.query(sql)
})
afterAll(async () => {
  for (const pool of pools) await pool.end()
  await database.stop()
})

/** Two replicas: a pool and a limiter each, on one Postgres. */
const replicas = (spec: Partial<LimitSpec>) => {
  const account = randomUUID()
  const specs = [{ family: 'api', perSecond: 0.001, burst: 10, ...spec }]
  return pools.map(sql => makeLimiter({ sql, log: quiet }, { account, region: 'r', specs }))
}
const signal = () => AbortSignal.timeout(60_000)
const settled = async (calls: readonly Promise<void>[]) => {
  const all = await Promise.allSettled(calls)
  return {
    went: all.filter(one => one.status === 'fulfilled').length,
    refused: all.flatMap(one => (one.status === 'rejected' ? [one.reason as Error] : [])),
  }
}

describe('the limiter of two replicas', () => {
  test('together they send what the limit allows and no more', async () => {
    const both = replicas({})
    const calls = both.flatMap(one => Array.from({ length: 12 }, () => one.take('api', 'create', signal())))
    const { went, refused } = await settled(calls)
    expect(went).toBe(8)
    expect(new Set(refused.map(error => error.name))).toEqual(new Set(['ProviderError']))
    expect(refused[0]).toMatchObject({ kind: 'throttled', outcome: 'not-applied' })
    expect((await settled([both[1]?.take('api', 'destroy', signal()) ?? Promise.reject(new Error())])).went).toBe(1)
  })

  test('what the provider tells one of them holds for the other', async () => {
    const [one, two] = replicas({ perSecond: 100, burst: 100 })
    await one?.take('api', 'poll', signal())
    one?.told('api', { throttled: true, retryAfterMs: 600_000 })
    // The refusal is written in the background: the other hears of it as soon as it is there.
    let refusal: unknown = null
    for (let n = 0; n < 1_000 && refusal === null; n += 1)
      refusal =
        (await two?.take('api', 'destroy', signal()).then(
          () => null,
          (error: unknown) => error,
        )) ?? null
    expect(refusal).toMatchObject({ kind: 'throttled' })
    expect((refusal as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(500_000)
  })

  test('those who wait go in the order of their classes, and one that gives up leaves the line', async () => {
    const [one] = replicas({ perSecond: 20, burst: 5 })
    const order: CallClass[] = []
    await settled(Array.from({ length: 4 }, () => one?.take('api', 'list', signal()) ?? Promise.reject(new Error())))
    const given = new AbortController()
    const gone = one?.take('api', 'create', given.signal).catch((error: Error) => error.name)
    const calls = (['list', 'poll', 'act', 'create'] as const).flatMap(callClass =>
      one ? [one.take('api', callClass, signal()).then(() => void order.push(callClass))] : [],
    )
    given.abort()
    await Promise.all(calls)
    expect(await gone).toBe('ProviderError')
    expect(order).toEqual(['create', 'act', 'poll', 'list'])
  })

  test('those far behind in the line are put off at once, each until about its own turn', async () => {
    const [one] = replicas({ perSecond: 0.5, burst: 5 })
    const ended = new AbortController()
    const putOff: number[] = []
    const refused = ({ retryAfterMs = 0 }: { retryAfterMs?: number }) => {
      putOff.push(retryAfterMs)
      if (putOff.length === 15) ended.abort() // the few that are left would wait for their turn
    }
    const take = async () => one?.take('api', 'create', ended.signal).catch(refused)
    await Promise.all(Array.from({ length: 24 }, take))
    const far = putOff.slice(0, 15).toSorted((a, b) => a - b)
    expect(new Set(far).size).toBe(15)
    expect((far.at(-1) ?? 0) - (far[0] ?? 0)).toBeGreaterThan(25_000)
  })

  test('a limit of the account is one for all its regions, one of a region is not', async () => {
    const account = randomUUID()
    const spec = { family: 'api', perSecond: 0.001, burst: 5 }
    const went = async (specs: readonly LimitSpec[]) => {
      const regions = pools.map((sql, n) => makeLimiter({ sql, log: quiet }, { account, region: `r${n}`, specs }))
      const calls = regions.flatMap(one => Array.from({ length: 5 }, () => one.take('api', 'create', signal())))
      return (await settled(calls)).went
    }
    expect(await went([spec])).toBe(8)
    expect(await went([{ ...spec, scope: 'account' }])).toBe(4)
  })

  test('an unknown family is a bug, and a database that is away is transient', async () => {
    const [one] = replicas({})
    await expect(one?.take('other', 'poll', signal())).rejects.toMatchObject({ kind: 'bug' })
    const away = { query: async () => Promise.reject(new Error('gone')) } as unknown as (typeof pools)[number]
    const specs = [{ family: 'api', perSecond: 1, burst: 1 }]
    const alone = makeLimiter({ sql: away, log: quiet }, { account: 'a', region: 'r', specs })
    await expect(alone.take('api', 'poll', signal())).rejects.toMatchObject({
      kind: 'transient',
      outcome: 'not-applied',
    })
  })
})

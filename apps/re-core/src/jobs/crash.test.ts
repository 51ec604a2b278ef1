import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { identityOf } from '../providers/identity.ts'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { makeWorld, type World } from '../testing/world.ts'
import type { Queue } from './queue.ts'

let database: TestDatabase
let world: World
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.stop())
beforeEach(async () => {
  world = await makeWorld(await database.fresh())
})
afterEach(() => world.stop())

/** Processes are exactly those of rows that are not gone: 0 orphans, 0 lost, 0 duplicates. */
const checkMachines = async (ids: readonly string[]) => {
  const rows = await Promise.all(ids.map(world.row))
  const wanted = rows.filter(row => row.phase !== 'gone').map(row => row.ref)
  await world.until('processes agree with rows', async () => {
    const alive = await world.running()
    return alive.length === wanted.length && alive.every(ref => wanted.includes(ref))
  })
}

describe('a worker that is killed', () => {
  test('at every step of create, reload and destroy: exactly one machine, then none', async () => {
    const trace: string[] = []
    await world.startOne({ at: name => void trace.push(name), localAt: name => void trace.push(`local.${name}`) })
    const first = await world.create('first')
    await world.phase(first, 'ready')
    await world.ask(first, 'reload')
    await world.life(first, 2)
    await world.ask(first, 'destroy')
    await world.phase(first, 'gone')
    await world.stopWorkers()
    expect(trace.length).toBeGreaterThan(60)

    // Systems are independent, so one life per point dies at its own point, all side by side.
    const lives = trace.map((_, n) => ({ n, steps: 0 }))
    const byKey = new Map<string, (typeof lives)[number]>()
    const dies = (_point: string, key: string) => {
      const life = byKey.get(key)
      if (life !== undefined && life.steps++ === life.n) throw new Error('killed here')
    }
    await world.startOne({ at: dies, localAt: dies })
    const ids: string[] = []
    for (const life of lives) {
      const id = await world.create(`one-${life.n}`, made => {
        byKey.set(made, life)
        for (const generation of [1, 2]) byKey.set(identityOf(world.installation, made, generation, 0).uuid, life)
      })
      ids.push(id)
    }
    for (const id of ids) await world.phase(id, 'ready', 30_000)
    for (const id of ids) await world.ask(id, 'reload')
    for (const id of ids) await world.life(id, 2, 30_000)
    await checkMachines(ids)
    for (const id of ids) await world.ask(id, 'destroy')
    for (const id of ids) await world.phase(id, 'gone', 30_000)
    await checkMachines(ids)
    expect(lives.filter(life => life.steps <= life.n)).toEqual([])
  }, 90_000)
})

describe('two workers', () => {
  test('on one system, the first stalled in its create call: one machine, and only the newer one writes', async () => {
    const stalls: (() => void)[] = []
    const stalled = { done: false }
    await world.startOne({
      at: async name => {
        if (name !== 'create.sent' || stalled.done) return
        stalled.done = true
        await new Promise<void>(resolve => void stalls.push(resolve))
      },
    })
    const id = await world.create('one')
    await world.until('the first one stalls', async () => stalls.length > 0)
    const epoch = (await world.row(id)).leaseEpoch
    // Its message expires in production; here the second worker is simply given the row, as the ticker would.
    await world.attemptDirectly(id)
    await world.phase(id, 'ready')
    for (const wake of stalls) wake()
    await checkMachines([id])
    const row = await world.row(id)
    expect(row.leaseEpoch).toBeGreaterThan(epoch)
    expect(row).toMatchObject({ phase: 'ready', generation: 1, candidate: 0 })
  })

  test('the first stalled in its create call while the system is destroyed: nothing comes to life afterwards', async () => {
    const stalls: (() => void)[] = []
    await world.startOne({
      at: async name => {
        if (name === 'create.sent') await new Promise<void>(resolve => void stalls.push(resolve))
      },
    })
    const id = await world.create('one')
    await world.until('the first one stalls', async () => stalls.length > 0)
    await world.ask(id, 'destroy')
    await world.attemptDirectly(id)
    await world.phase(id, 'gone')
    for (const wake of stalls) wake()
    await new Promise(resolve => setTimeout(resolve, 300))
    await checkMachines([id])
    expect(await world.row(id)).toMatchObject({ phase: 'gone', desired: 'absent' })
  })
})

describe('messages are only hints', () => {
  test('the queue emptied: the ticker converges from the rows', async () => {
    const losing = (queue: Queue): Queue => ({ ...queue, later: async () => {} })
    await world.startOne({ queue: losing })
    const id = await world.create('one')
    await world.pool.query('delete from core_boss.job')
    await world.phase(id, 'ready')
    await world.pool.query('delete from core_boss.job')
    await world.ask(id, 'destroy')
    await world.pool.query('delete from core_boss.job')
    await world.phase(id, 'gone')
    await checkMachines([id])
  })

  test('a verb pulls a waiting message forward', async () => {
    await world.startOne({ timings: { tickMs: 3_600_000 } })
    world.mote.state.up = false
    const id = await world.create('one')
    await world.until('it waits for re-mote', async () => ((await world.row(id)).reason ?? '').includes('re-mote'))
    await world.pool.query(`update core_boss.job set start_after = now() + interval '1 hour' where state < 'active'`)
    const asked = performance.now()
    await world.ask(id, 'destroy')
    await world.phase(id, 'gone')
    expect(performance.now() - asked).toBeLessThan(3_000)
  })
})

describe('a machine that died', () => {
  test('is seen stopped first, then started again; a restart of re-core starts it at once', async () => {
    await world.startOne()
    const id = await world.create('one')
    const { ref } = await world.phase(id, 'ready')
    await world.local().act(ref ?? '', { kind: 'stop', force: true }, AbortSignal.timeout(5_000))
    await world.phase(id, 'stopped')
    await world.phase(id, 'ready')
    const seen = (await world.row(id)).phases
    const [stopped, booting] = seen.slice(-3)
    expect(seen.map(mark => mark.name).slice(-4)).toEqual(['ready', 'stopped', 'booting', 'ready'])
    expect(Date.parse(booting?.at ?? '') - Date.parse(stopped?.at ?? '')).toBeGreaterThanOrEqual(500)

    await world.stopWorkers()
    await world.local().act(ref ?? '', { kind: 'stop', force: true }, AbortSignal.timeout(5_000))
    await world.startOne({ timings: { restartDelayMs: 3_600_000, observeMs: 3_600_000, tickMs: 3_600_000 } })
    await world.until('it runs again', async () => (await world.running()).includes(ref ?? ''), 2_000)
    await world.phase(id, 'ready')
  })

  test('removed by hand it is lost', async () => {
    await world.startOne()
    const id = await world.create('one')
    const { ref } = await world.phase(id, 'ready')
    await world.local().destroy(ref ?? '', AbortSignal.timeout(5_000))
    await world.phase(id, 'lost')
    await world.ask(id, 'reload')
    await world.life(id, 2)
    await checkMachines([id])
  })
})

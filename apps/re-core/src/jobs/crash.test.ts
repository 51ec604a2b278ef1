import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { destroyAll, newOp } from '../providers/op.ts'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { dieAtPoints, machinesAgree, traceOfOneLife } from '../testing/crash.ts'
import { makeWorld, type World } from '../testing/world.ts'

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

const checkMachines = (ids: readonly string[]) => machinesAgree(world, ids)

test('a worker killed at each kind of step of create, reload and destroy: exactly one machine, then none', async () => {
  const trace = await traceOfOneLife(world)
  expect(trace.length).toBeGreaterThan(60)
  const points = trace.flatMap((name, n) => (trace.indexOf(name) === n ? [n] : []))
  await dieAtPoints(world, points)
}, 90_000)

describe('messages are only hints', () => {
  test('a verb pulls a waiting message forward', async () => {
    await world.startOne({ timings: { tickMs: 3_600_000 } })
    world.mote.state.up = false
    const id = await world.create('one')
    await world.until('it waits for re-mote', async () => ((await world.row(id)).reason ?? '').includes('re-mote'))
    await world.pool.query(`update core_boss.job set start_after = now() + interval '1 hour' where state < 'active'`)
    await world.ask(id, 'destroy')
    await world.phase(id, 'gone') // and not in an hour
  })
})

describe('a machine that died', () => {
  test('is seen stopped first, then started again; a restart of re-core starts it at once', async () => {
    await (
      await world.startOne()
    ).swept
    const id = await world.create('one')
    const { ref } = await world.phase(id, 'ready')
    await world.local().act(ref ?? '', { kind: 'stop', force: true }, newOp(), AbortSignal.timeout(60_000))
    await world.phase(id, 'stopped')
    await world.phase(id, 'ready')
    const seen = (await world.row(id)).phases
    const [stopped, booting] = seen.slice(-3)
    expect(seen.map(mark => mark.name).slice(-4)).toEqual(['ready', 'stopped', 'booting', 'ready'])
    expect(Date.parse(booting?.at ?? '') - Date.parse(stopped?.at ?? '')).toBeGreaterThanOrEqual(500)

    await world.stopWorkers()
    await world.local().act(ref ?? '', { kind: 'stop', force: true }, newOp(), AbortSignal.timeout(60_000))
    await world.startOne({ timings: { restartDelayMs: 3_600_000, observeMs: 3_600_000, tickMs: 3_600_000 } })
    await world.until('it runs again', async () => (await world.running()).includes(ref ?? ''), 20_000)
    await world.phase(id, 'ready')
  })

  test('removed by hand it is lost', async () => {
    await world.startOne()
    const id = await world.create('one')
    const { ref } = await world.phase(id, 'ready')
    await world.local().destroy(ref ?? '', destroyAll, AbortSignal.timeout(60_000))
    await world.phase(id, 'lost')
    await world.ask(id, 'reload')
    await world.life(id, 2)
    await checkMachines([id])
  })
})

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { besideAgrees, besideSpec, besideSteps, memoryBeside } from '../testing/beside.ts'
import { dieAtPoints, traceOfOneLife } from '../testing/crash.ts'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { makeWorld, type World } from '../testing/world.ts'

let database: TestDatabase
let world: World
beforeAll(async () => {
  database = await testDatabase()
})
afterEach(() => world.stop())
afterAll(() => database.stop())

test('a worker killed at every single step of create, reload and destroy: exactly one machine, then none', async () => {
  world = await makeWorld(await database.fresh())
  const trace = await traceOfOneLife(world)
  expect(trace.length).toBeGreaterThan(60)
  await dieAtPoints(world, [...trace.keys()])
}, 240_000)

test('35: a worker killed at every step beside a machine: each volume and firewall once, then none', async () => {
  world = await makeWorld(await database.fresh(), { spec: besideSpec })
  const beside = memoryBeside(['web'])
  const points = besideSteps(await traceOfOneLife(world, { wrap: beside.wrap }))
  expect(points.length).toBeGreaterThan(30)
  const check = (ids: readonly string[]) => besideAgrees(world, beside, ids)
  await dieAtPoints(world, points, { wrap: beside.wrap, check })
}, 240_000)

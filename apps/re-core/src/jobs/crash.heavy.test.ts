import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { dieAtPoints, traceOfOneLife } from '../testing/crash.ts'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { makeWorld, type World } from '../testing/world.ts'

let database: TestDatabase
let world: World
beforeAll(async () => {
  database = await testDatabase()
  world = await makeWorld(await database.fresh())
})
afterAll(async () => {
  await world.stop()
  await database.stop()
})

test('a worker killed at every single step of create, reload and destroy: exactly one machine, then none', async () => {
  const trace = await traceOfOneLife(world)
  expect(trace.length).toBeGreaterThan(60)
  await dieAtPoints(world, [...trace.keys()])
}, 240_000)

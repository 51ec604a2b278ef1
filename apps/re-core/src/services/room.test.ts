import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { HttpProblem } from '@re-ops/service'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { makeWorld, type World } from '../testing/world.ts'
import { createSystems } from './systems.ts'

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

test('creates above the limit of an account are refused before anything is made, also those that come at once', async () => {
  await world.pool.query(
    `insert into core.account (name, provider, regions, settings, created_at, max_systems)
     values ('local', 'local', '{local}', '{}', now(), 5)`,
  )
  const asked = (n: number) => ({ subject: 'me', scopes: ['admin'], route: `POST /v1/systems ${n}`, key: undefined })
  const create = (n: number, count: number) => createSystems(world.services(), { name: `web-${n}`, count }, asked(n))
  const ended = await Promise.allSettled([1, 2, 3].map(n => create(n, 2)))
  expect(ended.map(one => one.status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  const error = (await create(4, 2).catch((thrown: unknown) => thrown)) as HttpProblem
  expect([error.status, error.message]).toEqual([
    422,
    'The account is full: 2 more in account local, which has 4; allowed: 5 systems (its maxSystems)',
  ])
  await create(5, 1)
  expect((await world.pool.query('select 1 from core.system')).rows).toHaveLength(5)
})

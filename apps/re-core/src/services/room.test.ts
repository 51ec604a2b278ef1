import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { HttpProblem } from '@re-ops/service'
import { deleteQuota, listQuotas, putQuota } from '../store/quotas.ts'
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

test('a quota holds for the subject of a token, that of * for each that has none of its own; what is gone does not count', async () => {
  const { pool } = world
  await pool.query('delete from core.account')
  await putQuota(pool, 'ci', 3)
  await putQuota(pool, '*', 1)
  const create = (subject: string, name: string, count: number) =>
    createSystems(world.services(), { name, count }, { subject, scopes: ['admin'], route: name, key: undefined })
  const refused = async (subject: string, name: string, count: number) =>
    ((await create(subject, name, count).catch((thrown: unknown) => thrown)) as HttpProblem).message
  const ended = await Promise.allSettled(['a', 'b', 'c'].map(name => create('ci', name, 2)))
  expect(ended.map(one => one.status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(await refused('ci', 'd', 2)).toBe(
    'The quota is used up: 2 more for ci, who has 2; allowed: 3 systems (reops quotas)',
  )
  expect(await refused('ann', 'e', 2)).toMatch('2 more for ann, who has 0; allowed: 1 systems')
  await create('ann', 'f', 1)
  await pool.query(`update core.system set phase = 'gone' where created_by = 'ci'`)
  await create('ci', 'g', 3)
  expect(await listQuotas(pool)).toEqual([
    { subject: '*', maxSystems: 1, used: 0 },
    { subject: 'ann', maxSystems: 1, used: 1 },
    { subject: 'ci', maxSystems: 3, used: 3 },
    { subject: 'me', maxSystems: 1, used: 5 },
  ])
  await deleteQuota(pool, 'ci')
  expect(await refused('ci', 'h', 1)).toMatch('1 more for ci, who has 3; allowed: 1 systems')
})

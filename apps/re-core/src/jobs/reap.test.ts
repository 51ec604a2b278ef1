import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { identityOf } from '../providers/identity.ts'
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

const callHome = { url: 'http://127.0.0.1:1', token: 'none', name: 'stray', labels: {} }
const spec = { name: 'stray', type: 'web', size: 'process', image: 'this-computer', callHome }
/** A machine that some worker made and nobody knows of. */
const makeStray = async (installation: string, system: string, generation: number, candidate: number) => {
  const provider = world.local()
  const request = provider.planCreate(spec, identityOf(installation, system, generation, candidate))
  return (await provider.create(request, AbortSignal.timeout(10_000))).ref
}

test('a stray is destroyed after two sightings; what is not certainly ours to judge is left alone', async () => {
  const worker = await world.startOne({ timings: { reapMs: 3_600_000, sightingsApartMs: 1 } })
  const kept = await world.create('kept')
  const gone = await world.create('gone')
  const own = (await world.phase(kept, 'ready')).ref ?? ''
  await world.phase(gone, 'ready')
  await world.ask(gone, 'destroy')
  await world.phase(gone, 'gone')
  const twin = await makeStray(world.installation, kept, 1, 7)
  const orphan = await makeStray(world.installation, gone, 1, 7)
  const foreign = await makeStray(newId(), kept, 1, 0)
  const unknown = await makeStray(world.installation, newId(), 1, 0)
  const newer = await makeStray(world.installation, kept, 9, 0)

  await worker.reap()
  expect((await world.running()).toSorted()).toEqual([own, twin, orphan, foreign, unknown, newer].toSorted())
  await new Promise(resolve => setTimeout(resolve, 5))
  await worker.reap()
  expect((await world.running()).toSorted()).toEqual([own, foreign, unknown, newer].toSorted())
  expect(world.logs.filter(line => line.includes('ALARM')).length).toBeGreaterThanOrEqual(4)
  expect(await world.row(kept)).toMatchObject({ phase: 'ready', ref: own })
})

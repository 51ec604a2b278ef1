import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { newId, ProviderError, type Provider } from '@re-ops/protocols'
import { identityOf } from '../providers/identity.ts'
import { listFreezes } from '../store/alarms.ts'
import { listNotices } from '../store/notices.ts'
import { adoptSystem } from '../services/notices.ts'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { makeWorld, type World, type WorkerOptions } from '../testing/world.ts'

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

const callHome = { url: 'http://127.0.0.1:1', token: 'none', name: 'stray', labels: {} }
const spec = { name: 'stray', type: 'web', size: 'process', image: 'this-computer', callHome }
/** A machine that some worker made and nobody knows of. */
const makeStray = async (system: string, generation: number, candidate = 0, installation = world.installation) => {
  const provider = world.local()
  const request = provider.planCreate(spec, identityOf(installation, system, generation, candidate))
  return (await provider.create(request, AbortSignal.timeout(60_000))).ref
}
/** Rounds run when they are called alone. */
const startOne = (options: WorkerOptions = {}) =>
  world.startOne({ ...options, timings: { reapMs: 3_600_000, leasesMs: 3_600_000, ...options.timings } })
const ready = async (name: string) => {
  const id = await world.create(name)
  await world.phase(id, 'ready')
  return id
}
const gone = async (name: string) => {
  const id = await ready(name)
  await world.ask(id, 'destroy')
  await world.phase(id, 'gone')
  return id
}
/** By the database's clock, which is the one that counts. */
const ago = (minutes: number) =>
  world.pool.query(`update core.sighting set first_at = first_at - make_interval(mins => $1)`, [minutes])
const running = async () => (await world.running()).toSorted()
const kinds = async () => (await listNotices(world.pool, 100)).map(one => one.kind).toReversed()

test('a stray is destroyed after two sightings ten minutes apart, whatever the clocks of replicas say; what is not certainly ours to judge stays', async () => {
  const worker = await startOne()
  const kept = await ready('kept')
  await world.ask(kept, 'reload')
  await world.life(kept, 2)
  const own = (await world.row(kept)).ref ?? ''
  const ended = await gone('gone')
  const twin = await makeStray(kept, 1, 7)
  const orphan = await makeStray(ended, 0)
  const foreign = await makeStray(kept, 1, 0, newId())
  const unknown = await makeStray(newId(), 1)
  for (const replica of [worker, await startOne({ now: () => Date.now() + 300_000 })]) {
    await replica.reap()
    await replica.reap()
  }
  expect(await running()).toEqual([own, twin, orphan, foreign, unknown].toSorted())
  await ago(11)
  await worker.reap()
  // One of five machines a round at most.
  expect(await running()).toHaveLength(4)
  await worker.reap()
  expect(await running()).toEqual([own, foreign, unknown].toSorted())
  expect(await kinds()).toEqual(['unknown-machine', 'stray-destroyed', 'stray-destroyed'])
  expect(await world.row(kept)).toMatchObject({ phase: 'ready', ref: own })
})

test('a dry run names what it would destroy, once, and destroys nothing', async () => {
  const worker = await startOne({ reaper: 'dry-run' })
  const ended = await gone('gone')
  const orphan = await makeStray(ended, 0)
  await worker.reap()
  await ago(11)
  for (let n = 0; n < 3; n += 1) await worker.reap()
  expect(await running()).toEqual([orphan])
  expect(await kinds()).toEqual(['stray-found'])
})

test('a list that breaks off ends the round: no sighting is noted, and none is forgotten', async () => {
  let broken = false
  const wrap = (provider: Provider): Provider => ({
    ...provider,
    list: async function* (scope, signal) {
      yield* provider.list(scope, signal)
      if (broken) throw new ProviderError('transient', 'not-applied', 'page 2 failed')
    },
  })
  const worker = await startOne({ wrap })
  const ended = await gone('gone')
  const orphan = await makeStray(ended, 0)
  await worker.reap()
  await ago(11)
  broken = true
  await worker.reap()
  expect(await running()).toEqual([orphan])
  broken = false
  await worker.reap()
  expect(await running()).toEqual([])
})

test('a database from before a reload ends nothing in that account: an alarm, until the machine is adopted', async () => {
  const worker = await startOne({ timings: { observeMs: 3_600_000 } })
  const id = await ready('one')
  const before = await world.row(id)
  await world.ask(id, 'reload')
  const after = await world.life(id, 2)
  const ended = await gone('gone')
  const orphan = await makeStray(ended, 0)
  // The backup: the row is as it was.
  await world.pool.query(
    `update core.system set generation = 1, want_generation = 1, ref = $2, phase = 'ready', desired = 'running',
       lease_epoch = lease_epoch + 1, next_at = null where id = $1`,
    [id, before.ref],
  )
  await worker.reap()
  await ago(11)
  for (let n = 0; n < 3; n += 1) await worker.reap()
  expect(await running()).toEqual([after.ref ?? '', orphan].toSorted())
  expect(await listFreezes(world.pool)).toMatchObject([
    { account: 'local', evidence: [{ ref: after.ref, system: id }] },
  ])
  await world.attemptDirectly(id)
  expect((await world.row(id)).phase).toBe('lost')
  await adoptSystem(world.services(), 'one')
  expect(await world.phase(id, 'ready')).toMatchObject({ generation: 2, ref: after.ref })
  await worker.reap()
  expect(await listFreezes(world.pool)).toEqual([])
  expect(await running()).toEqual([after.ref])
  expect(await kinds()).toEqual(['newer-machine', 'account-frozen', 'lost', 'adopted', 'stray-destroyed'])
})

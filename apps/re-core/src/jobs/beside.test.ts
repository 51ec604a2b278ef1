import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { ProviderError, type Provider } from '@re-ops/protocols'
import { besideAgrees, besideSpec, besideVolumes, memoryBeside, type MemoryBeside } from '../testing/beside.ts'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { makeWorld, type World } from '../testing/world.ts'

let database: TestDatabase
let world: World
let beside: MemoryBeside
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.stop())
beforeEach(async () => {
  world = await makeWorld(await database.fresh(), { spec: besideSpec })
  beside = memoryBeside(['web'])
})
afterEach(() => world.stop())

const check = (ids: readonly string[]) => besideAgrees(world, beside, ids)

/** The second volume is refused where that answers true. */
const refusing = (isRefused: () => boolean, error: ProviderError) => (provider: Provider) => {
  const wrapped = beside.wrap(provider)
  const ensure: NonNullable<Provider['volumes']>['ensure'] = async (asked, signal) => {
    if (asked.name.endsWith('-2') && isRefused()) throw error
    return wrapped.volumes!.ensure(asked, signal)
  }
  return { ...wrapped, volumes: { ...wrapped.volumes!, ensure } }
}

test('35: a second volume that fails for a while holds up its system and nobody else; nothing is doubled', async () => {
  const error = new ProviderError('transient', 'unknown', 'it broke')
  // What it says meanwhile is there until the next try: it is refused until that was seen.
  let isSeen = false
  await world.startOne({ wrap: refusing(() => !isSeen, error) })
  const id = await world.create('one')
  await world.until('it says at which it stands', async () =>
    ((await world.row(id)).reason ?? '').includes('volume one-disk-2 (3 of 3): it broke'),
  )
  isSeen = true
  await world.phase(id, 'ready')
  await check([id])
})

test('35: one that can never be says which it is; start tries again, destroy removes exactly what was made', async () => {
  const error = new ProviderError('invalid', 'not-applied', 'sizeGb is 2; allowed: 10')
  let refusals = 1
  await world.startOne({ wrap: refusing(() => refusals-- > 0, error) })
  const foreign = await beside
    .wrap(world.local())
    .volumes!.ensure({ name: 'foreign', sizeGb: 1 }, AbortSignal.timeout(5_000))
  const [first, second] = [await world.create('one'), await world.create('two')]
  const failed = async (id: string) => ((await world.row(id)).phase === 'failed' ? id : null)
  const id = await world.until('one of them fails', async () => (await failed(first)) ?? failed(second))
  const row = await world.row(id)
  expect(row).toMatchObject({ phase: 'failed', besideDone: 2 })
  expect(row.reason).toMatch(
    /^volume \w+-disk-2 \(3 of 3\): sizeGb is 2; allowed: 10; the machine and what is in place/,
  )
  const other = id === first ? second : first
  await world.phase(other, 'ready')
  await world.ask(id, 'start')
  await world.phase(id, 'ready')
  await world.ask(id, 'destroy')
  await world.phase(id, 'gone')
  const { name } = await world.row(other)
  const left = beside.volumes().map(one => one.name)
  expect(left.toSorted()).toEqual(['foreign', ...besideVolumes(name).map(one => one.name)].toSorted())
  expect(beside.volumes()).toContainEqual(foreign)
})

test('a name that somebody has at the provider is never taken over', async () => {
  const theirs = { name: 'one-disk-2', sizeGb: 100 }
  await beside.wrap(world.local()).volumes!.ensure(theirs, AbortSignal.timeout(5_000))
  await world.startOne({ wrap: beside.wrap })
  const id = await world.create('one')
  await world.phase(id, 'failed')
  expect((await world.row(id)).reason).toContain('the provider has another volume of that name')
  await world.ask(id, 'destroy')
  await world.phase(id, 'gone')
  expect(beside.volumes()).toMatchObject([{ ...theirs, attachedTo: null }])
})

test('volumes that are to be kept get a life of their own', async () => {
  await world.startOne({ wrap: beside.wrap })
  const id = await world.create('one')
  await world.phase(id, 'ready')
  await world.ask(id, 'destroy', { keepVolumes: true })
  await world.phase(id, 'gone')
  expect(beside.volumes()).toMatchObject(besideVolumes('one').map(one => ({ ...one, attachedTo: null })))
  const { rows } = await world.pool.query('select name, system from core.volume order by name')
  expect(rows).toEqual(besideVolumes('one').map(({ name }) => ({ name, system: null })))
})

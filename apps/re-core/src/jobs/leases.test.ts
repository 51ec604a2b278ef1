import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { ProviderError } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { newOp } from '../providers/op.ts'
import { endLease, getLeases, renewLease } from '../services/leases.ts'
import { systemView } from '../services/view.ts'
import { listJobs } from '../store/jobs.ts'
import { listNotices } from '../store/notices.ts'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { makeWorld, type World } from '../testing/world.ts'
import type { SystemRow } from '../store/row.ts'

const hourMs = 3_600_000
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

const startOne = () => world.startOne({ timings: { leasesMs: hourMs, reapMs: hourMs, observeMs: hourMs } })
/** Created with a lease of an hour. */
const ready = async (name: string, more: Partial<SystemRow> = {}) => {
  const leaseExpiresAt = Date.now() + hourMs
  const lease = { leaseMs: hourMs, leaseExpiresAt, leaseBy: 'ci', ...more }
  const id = await world.create(name, () => {}, lease)
  await world.phase(id, 'ready')
  return id
}
const tagOf = async (id: string): Promise<number> => {
  const seen = await world.local().observe((await world.row(id)).ref ?? '', AbortSignal.timeout(60_000))
  return seen.state === 'present' ? Date.parse(seen.vm.expiresAt ?? '') : Number.NaN
}
/** Lets the lease end an hour ago (or when it is said): in the row, and at the machine if both know of it. */
const end = async (id: string, where: 'both' | 'row' = 'both', inMs = -hourMs) => {
  const at = new Date(Date.now() + inMs)
  await world.pool.query('update core.system set lease_expires_at = $2, lease_there = $2 where id = $1', [id, at])
  if (where === 'row') return
  const { ref } = await world.row(id)
  const action = { kind: 'setExpiry', expiresAt: at.toISOString() } as const
  await world.local().act(ref ?? '', action, newOp(), AbortSignal.timeout(60_000))
}
const renew = (id: string, forMs?: number) =>
  renewLease(world.services(), id, forMs === undefined ? {} : { forMs }, 'me')
const kinds = async () => (await listNotices(world.pool, 100)).map(one => one.kind).toReversed()

test('the machine carries the end of its lease from the first moment, and a renewal is told to it before it is confirmed', async () => {
  await startOne()
  const id = await ready('one', { leaseMaxAt: Date.now() + 3 * hourMs })
  expect(await tagOf(id)).toBe((await world.row(id)).leaseExpiresAt)
  const renewed = await renew(id, 2 * hourMs)
  expect(renewed.lease).toMatchObject({ by: 'me', told: true, forMs: 2 * hourMs, note: null })
  expect(await tagOf(id)).toBe(Date.parse(renewed.lease?.expiresAt ?? ''))
  // Never earlier, never beyond its life.
  expect((await renew(id, 60_000)).lease?.expiresAt).toBe(renewed.lease?.expiresAt)
  const last = await renew(id, 24 * hourMs)
  expect(last.lease?.expiresAt).toBe(last.lease?.maxAt)
  expect((await getLeases(world.services())).map(one => one.name)).toEqual(['one'])
  await endLease(world.services(), id)
  await world.until('its machine carries none', async () => Number.isNaN(await tagOf(id)))
  expect(await getLeases(world.services())).toEqual([])
})

test('a renewal whose machine cannot be marked is not confirmed, and is told later', async () => {
  await startOne()
  const id = await ready('one')
  const away = () => Promise.reject(new ProviderError('transient', 'unknown', 'the provider is away'))
  const services = world.services({ ...world.local(), act: away })
  const error = await renewLease(services, id, { forMs: 2 * hourMs }, 'me').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(HttpProblem)
  expect((error as HttpProblem).status).toBe(502)
  await world.sender.wake(world.pool, id)
  await world.until('the worker tells it', async () => (await tagOf(id)) === (await world.row(id)).leaseExpiresAt)
})

test('it is warned of, and ends while nobody runs: destroyed after the start, as one job', async () => {
  const worker = await startOne()
  const [id, kept, short] = [await ready('one'), await ready('dear'), await ready('short', { leaseMs: 10 * hourMs })]
  await end(short, 'both', 9 * 60_000)
  await worker.leases()
  await worker.leases()
  expect(systemView(await world.row(short)).reason).toMatch(/^its lease ends at /)
  expect(await kinds()).toEqual(['lease-soon'])
  await world.stopWorkers()
  await end(id)
  await end(kept)
  await world.pool.query('update core.system set protected = true, protected_there = true where id = $1', [kept])
  const { leases } = await startOne()
  await leases()
  await leases()
  await world.phase(id, 'gone')
  expect((await listJobs(world.pool, id, 10)).map(job => [job.verb, job.state])).toEqual([
    ['destroy', 'done'],
    ['create', 'done'],
  ])
  expect(await world.row(kept)).toMatchObject({ phase: 'ready', leaseNote: 'kept' })
  expect(await kinds()).toEqual(['lease-soon', 'lease-ended', 'lease-kept'])
})

test('one that is to be stopped is stopped', async () => {
  const { leases } = await startOne()
  const id = await ready('one', { leaseOnEnd: 'stop' })
  await end(id)
  await leases()
  await world.phase(id, 'stopped')
  await leases()
  expect((await listJobs(world.pool, id, 10)).map(job => job.verb)).toEqual(['stop', 'create'])
})

test('a renewal wins against an end that was read and not yet carried out; one that comes after it is refused', async () => {
  await startOne()
  const id = await ready('one')
  await world.stopWorkers()
  await end(id)
  let renewed: Promise<unknown> | null = null
  const { leases } = await world.startOne({
    timings: { leasesMs: hourMs, reapMs: hourMs, observeMs: hourMs },
    wrap: provider => ({
      ...provider,
      // Between reading what has ended and ending it.
      list: async function* (scope, signal) {
        await (renewed ??= renew(id, hourMs))
        yield* provider.list(scope, signal)
      },
    }),
  })
  await leases()
  expect(renewed).not.toBeNull()
  expect(await world.row(id)).toMatchObject({ phase: 'ready', desired: 'running' })
  await end(id)
  await leases()
  const error = await renew(id, hourMs).catch((thrown: unknown) => thrown)
  expect((error as HttpProblem).status).toBe(409)
  await world.phase(id, 'gone')
})

test('a database from before a renewal ends nothing: its machine was told of a later end', async () => {
  const { leases } = await startOne()
  const [id, other] = [await ready('one'), await ready('other')]
  await end(id, 'row')
  await end(other)
  await leases()
  await leases()
  for (const one of [id, other]) expect(await world.row(one)).toMatchObject({ desired: 'running', leaseNote: 'frozen' })
  expect(await kinds()).toEqual(['newer-machine', 'account-frozen', 'lease-kept', 'lease-kept'])
  // Its holder is there and says so: the row is as late as the machine again.
  await renew(id, 2 * hourMs)
  await leases()
  await world.phase(other, 'gone')
  expect((await world.row(id)).phase).toBe('ready')
})

test('a machine that shows an earlier end than it was told is told again', async () => {
  const worker = await startOne()
  const id = await ready('one')
  const { ref, leaseExpiresAt } = await world.row(id)
  const late = { kind: 'setExpiry', expiresAt: new Date(0).toISOString() } as const
  await world.local().act(ref ?? '', late, newOp(), AbortSignal.timeout(60_000))
  await worker.observe()
  await world.until('it is told again', async () => (await tagOf(id)) === leaseExpiresAt)
})

import { expect } from '@jest/globals'
import { ProviderError } from '@re-ops/protocols'
import { endLease, getLeases, listJobs, listNotices, renewLease, systemView } from '@re-ops/re-core/testing'
import type { SystemRow } from '@re-ops/re-core/testing'
import { inOrder } from './agree.ts'
import type { LifeCase } from './describe-lives.ts'
import { endThere, markEnd, startQuiet, type Life } from './life.ts'

const hourMs = 3_600_000
/** Created with a lease of an hour. */
const ready = async ({ world }: Life, name: string, more: Partial<SystemRow> = {}) => {
  const leaseExpiresAt = Date.now() + hourMs
  const id = await world.create(name, () => {}, { leaseMs: hourMs, leaseExpiresAt, leaseBy: 'ci', ...more })
  await world.phase(id, 'ready')
  return id
}
/** Lets the lease end an hour ago (or when it is said): in the row, and at the machine if both know of it. */
const end = async (life: Life, id: string, where: 'both' | 'row' = 'both', inMs = -hourMs) => {
  const { world } = life
  const at = new Date(Date.now() + inMs)
  await world.pool.query('update core.system set lease_expires_at = $2, lease_there = $2 where id = $1', [id, at])
  if (where === 'both') await markEnd(life, (await world.row(id)).ref, at)
}
const renew = ({ world }: Life, id: string, forMs?: number) =>
  renewLease(world.services(), id, forMs === undefined ? {} : { forMs }, 'me')
const kinds = async ({ world }: Life) => (await listNotices(world.pool, 100)).map(one => one.kind).toReversed()
/** As the provider writes it down. */
const written = ({ roundedMs }: Life, at: number | string | null | undefined): number => {
  const ms = typeof at === 'number' ? at : Date.parse(at ?? '')
  return ms - (ms % roundedMs)
}
const statusOf = (error: unknown): unknown => (error as { status?: unknown }).status

export const leaseCases: readonly LifeCase[] = [
  {
    ns: [37],
    letters: 'LFDT',
    title:
      'the machine carries the end of its lease from the first moment, and a renewal is told to it before it is confirmed',
    run: async life => {
      const { world } = life
      await startQuiet(life)
      const id = await ready(life, 'one', { leaseMaxAt: Date.now() + 3 * hourMs })
      expect(await endThere(life, id)).toBe(written(life, (await world.row(id)).leaseExpiresAt))
      const renewed = await renew(life, id, 2 * hourMs)
      expect(renewed.lease).toMatchObject({ by: 'me', told: true, forMs: 2 * hourMs, note: null })
      expect(await endThere(life, id)).toBe(written(life, renewed.lease?.expiresAt))
      // Never earlier, never beyond its life.
      expect((await renew(life, id, 60_000)).lease?.expiresAt).toBe(renewed.lease?.expiresAt)
      const last = await renew(life, id, 24 * hourMs)
      expect(last.lease?.expiresAt).toBe(last.lease?.maxAt)
      expect((await getLeases(world.services())).map(one => one.name)).toEqual(['one'])
      await endLease(world.services(), id)
      await world.until('its machine carries none', async () => Number.isNaN(await endThere(life, id)))
      expect(await getLeases(world.services())).toEqual([])
    },
  },
  {
    ns: [37],
    letters: 'L',
    title: 'a renewal whose machine cannot be marked is not confirmed, and is told later',
    run: async life => {
      const { world } = life
      await startQuiet(life)
      const id = await ready(life, 'one')
      const away = () => Promise.reject(new ProviderError('transient', 'unknown', 'the provider is away'))
      const services = world.services({ ...world.provider(), act: away })
      const error: unknown = await renewLease(services, id, { forMs: 2 * hourMs }, 'me').catch(
        (thrown: unknown) => thrown,
      )
      expect(statusOf(error)).toBe(502)
      await world.sender.wake(world.pool, id)
      await world.until(
        'the worker tells it',
        async () => (await endThere(life, id)) === written(life, (await world.row(id)).leaseExpiresAt),
      )
    },
  },
  {
    ns: [37],
    letters: 'LFDT',
    title:
      'it is warned of, and ends while nobody runs: destroyed after the start, as one job; a protected one is kept',
    run: async life => {
      const { world } = life
      const worker = await startQuiet(life)
      const id = await ready(life, 'one')
      const [kept, short] = [await ready(life, 'dear'), await ready(life, 'short', { leaseMs: 10 * hourMs })]
      await end(life, short, 'both', 9 * 60_000)
      await worker.leases()
      await worker.leases()
      expect(systemView(await world.row(short)).reason).toMatch(/^its lease ends at /)
      expect(await kinds(life)).toEqual(['lease-soon'])
      await world.stopWorkers()
      await end(life, id)
      await end(life, kept)
      await world.pool.query('update core.system set protected = true, protected_there = true where id = $1', [kept])
      const { leases } = await startQuiet(life)
      await leases()
      await leases()
      await world.phase(id, 'gone')
      expect((await listJobs(world.pool, id, 10)).map(job => [job.verb, job.state])).toEqual([
        ['destroy', 'done'],
        ['create', 'done'],
      ])
      expect(await world.row(kept)).toMatchObject({ phase: 'ready', leaseNote: 'kept' })
      expect(await life.alive()).toEqual(inOrder((await world.row(kept)).ref, (await world.row(short)).ref))
      expect(await kinds(life)).toEqual(['lease-soon', 'lease-ended', 'lease-kept'])
    },
  },
  {
    ns: [37],
    letters: 'L',
    title: 'one that is to be stopped is stopped',
    run: async life => {
      const { world } = life
      const { leases } = await startQuiet(life)
      const id = await ready(life, 'one', { leaseOnEnd: 'stop' })
      await end(life, id)
      await leases()
      await world.phase(id, 'stopped')
      await leases()
      expect((await listJobs(world.pool, id, 10)).map(job => job.verb)).toEqual(['stop', 'create'])
    },
  },
  {
    ns: [37],
    letters: 'LFDT',
    title: 'a renewal wins against an end that was read and not yet carried out; one that comes after it is refused',
    run: async life => {
      const { world } = life
      await startQuiet(life)
      const id = await ready(life, 'one')
      await world.stopWorkers()
      await end(life, id)
      let renewed: Promise<unknown> | null = null
      const { leases } = await startQuiet(life, {
        wrap: provider => ({
          ...provider,
          // Between reading what has ended and ending it.
          list: async function* (scope, signal) {
            await (renewed ??= renew(life, id, hourMs))
            yield* provider.list(scope, signal)
          },
        }),
      })
      await leases()
      expect(renewed).not.toBeNull()
      expect(await world.row(id)).toMatchObject({ phase: 'ready', desired: 'running' })
      await end(life, id)
      await leases()
      expect(statusOf(await renew(life, id, hourMs).catch((thrown: unknown) => thrown))).toBe(409)
      await world.phase(id, 'gone')
      expect(await life.alive()).toEqual([])
    },
  },
  {
    ns: [38],
    letters: 'L',
    title: 'a database from before a renewal ends nothing: its machine was told of a later end',
    run: async life => {
      const { world } = life
      const { leases } = await startQuiet(life)
      const [id, other] = [await ready(life, 'one'), await ready(life, 'other')]
      await end(life, id, 'row')
      await end(life, other)
      await leases()
      await leases()
      for (const one of [id, other])
        expect(await world.row(one)).toMatchObject({ desired: 'running', leaseNote: 'frozen' })
      expect(await kinds(life)).toEqual(['newer-machine', 'account-frozen', 'lease-kept', 'lease-kept'])
      // Its holder is there and says so: the row is as late as the machine again.
      await renew(life, id, 2 * hourMs)
      await leases()
      await world.phase(other, 'gone')
      expect((await world.row(id)).phase).toBe('ready')
    },
  },
  {
    ns: [37],
    letters: 'LFD',
    title: 'a machine that shows an earlier end than it was told is told again',
    run: async life => {
      const { world } = life
      const worker = await startQuiet(life)
      const id = await ready(life, 'one')
      const { ref, leaseExpiresAt } = await world.row(id)
      await markEnd(life, ref, new Date(0))
      await worker.observe()
      await worker.observeRemote()
      await world.until('it is told again', async () => (await endThere(life, id)) === written(life, leaseExpiresAt))
    },
  },
]

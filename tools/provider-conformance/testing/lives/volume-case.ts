import { expect } from '@jest/globals'
import { ProviderError, type Accepted, type Provider, type VolumeApi } from '@re-ops/protocols'
import { askSystem, listJobs, volumeByName, wantVolume, wantVolumeGone } from '@re-ops/re-core/testing'
import type { LifeCase } from './describe-lives.ts'
import { bound, startQuiet, zoneOf, type Life } from './life.ts'

const verbs = ['attach', 'detach'] as const
type Moving = (typeof verbs)[number]
const asked = { subject: 'me', route: '', key: undefined, scopes: [] }
const volumesOf = ({ world }: Life): VolumeApi => {
  const { volumes } = world.provider()
  if (volumes === undefined) throw new Error('the provider has no volumes')
  return volumes
}
const nameOf = (n: number): string => `data-${n}`

/** One machine and one volume beside it. */
const born = async (life: Life, n: number): Promise<string> => {
  const id = await life.world.create(`m-${n}`)
  await life.world.phase(id, 'ready')
  const zone = life.letter === 'F' ? { zone: await zoneOf(life, id) } : {}
  await volumesOf(life).ensure({ name: nameOf(n), sizeGb: 1, ...zone }, bound())
  return id
}

const moved = async (life: Life, verb: Moving, ids: readonly string[]): Promise<void> => {
  const { world } = life
  for (const [n, id] of ids.entries())
    await askSystem(world.services(), id, { verb, input: { volume: nameOf(n) } }, asked)
  for (const [n, id] of ids.entries())
    await world.until(`${verb} of ${nameOf(n)} is over`, async () => {
      const [job] = await listJobs(world.pool, id, 1)
      return job?.finishedAt !== null && job?.verb === verb
    })
}

/** Each is at its own machine, or none at any; jobs say so, and nothing is left open. */
const agree = async (life: Life, verb: Moving, ids: readonly string[]): Promise<void> => {
  const { pool, row } = life.world
  const refs = await Promise.all(ids.map(async id => (verb === 'attach' ? (await row(id)).ref : null)))
  const there = (await volumesOf(life).list(bound())).map(one => `${one.name} ${one.attachedTo}`)
  expect(there.toSorted()).toEqual(refs.map((ref, n) => `${nameOf(n)} ${ref}`).toSorted())
  const jobs = await Promise.all(ids.map(id => listJobs(pool, id, 1)))
  expect(jobs.map(([job]) => [job?.state, job?.error])).toEqual(ids.map(() => ['done', null]))
  const { rows } = await pool.query('select id from core.op where finished_at is null')
  expect(rows).toEqual([])
}

/** Of each verb the first request is lost before it is done, and of the second its answer. */
const losing = (provider: Provider): Provider => {
  const { volumes } = provider
  if (volumes === undefined) return provider
  const lost = new ProviderError('transient', 'unknown', 'nobody answered')
  const times = { attach: 0, detach: 0 }
  const once = async (verb: Moving, send: () => Promise<Accepted>): Promise<Accepted> => {
    const n = (times[verb] += 1)
    if (n === 1) throw lost
    const answer = await send()
    if (n === 2) throw lost
    return answer
  }
  return {
    ...provider,
    volumes: {
      ...volumes,
      attach: (ref, machine, signal) => once('attach', () => volumes.attach(ref, machine, signal)),
      detach: (ref, signal) => once('detach', () => volumes.detach(ref, signal)),
    },
  }
}

/** What is done once and no other verb has: the steps to die at. */
const isOwn = (name: string): boolean => /^(op|attach|detach)/.test(name)

/** The steps of both verbs, by name and in order, the first of each name. */
const traced = async (life: Life, seen: string[], ids: readonly string[]): Promise<Record<Moving, string[]>> => {
  const trace = { attach: [''], detach: [''] }
  for (const verb of verbs) {
    seen.length = 0
    await moved(life, verb, ids)
    await agree(life, verb, ids)
    trace[verb] = [...new Set(seen)].filter(isOwn)
  }
  return trace
}

const moveCase: LifeCase = {
  ns: [15, 24],
  letters: 'F',
  title:
    'a worker killed at each step of an attach and a detach, answers lost: the volume is at one machine, then at none',
  limitMs: 120_000,
  run: async life => {
    const seen: string[] = []
    const { stop } = await startQuiet(life, { at: name => void seen.push(name) })
    const first = await born(life, 0)
    const trace = await traced(life, seen, [first])
    await stop()
    const points = Math.max(trace.attach.length, trace.detach.length)
    const deaths = new Map<string, string>()
    const died: string[] = []
    const at = (name: string, system: string): void => {
      if (deaths.get(system) !== name) return
      deaths.delete(system)
      died.push(name)
      throw new Error('killed here')
    }
    await startQuiet(life, { at, wrap: losing })
    const others = Array.from({ length: points - 1 }, (_, n) => born(life, n + 1))
    const ids = [first, ...(await Promise.all(others))]
    for (const verb of verbs) {
      died.length = 0
      for (const [n, id] of ids.entries()) deaths.set(id, trace[verb][n] ?? '')
      await moved(life, verb, ids)
      await agree(life, verb, ids)
      // Where it only waits depends on how fast the provider is.
      expect(died).toEqual(expect.arrayContaining(['op', 'op.sent', `${verb}.before`, 'op.answered', 'op-over']))
    }
  },
}

const wishes = ['make', 'larger', 'delete'] as const
type Wish = (typeof wishes)[number]
const gbOf = { make: 1, larger: 2, delete: null } as const

/** What is wanted of the volume is written down, and it is woken; answers its id. */
const wished = async ({ world, places }: Life, wish: Wish, name: string): Promise<string> => {
  const place = places[0]?.place ?? missing()
  const now = Date.now()
  const sizeGb = gbOf[wish]
  const row =
    sizeGb === null
      ? await wantVolumeGone(world.pool, place, { name, ref: null }, now)
      : await wantVolume(world.pool, place, { name, sizeGb }, now)
  if (row === null) throw new Error(`${wish} of ${name} is refused`)
  await world.sender.wake(world.pool, row.id)
  return row.id
}
const missing = (): never => {
  throw new Error('the target has no place')
}
/** As it is wanted, or gone, without a problem. */
const over = ({ world, places }: Life, name: string) =>
  world.until(`volume ${name} is as it is wanted`, async () => {
    const row = await volumeByName(world.pool, places[0]?.place ?? missing(), name)
    return row === null || (row.nextAt === null && row.problem === null)
  })

const wishCase: LifeCase = {
  ns: [15, 24],
  letters: 'F',
  title: 'a worker killed at each step of making a volume, making it larger and deleting it: once there, then gone',
  limitMs: 120_000,
  run: async life => {
    const deaths = new Map<string, string>()
    const died: string[] = []
    const seen: string[] = []
    await startQuiet(life, {
      at: (name, id) => {
        seen.push(name)
        if (deaths.get(id) !== name) return
        deaths.delete(id)
        died.push(name)
        throw new Error('killed here')
      },
    })
    const trace: Record<Wish, string[]> = { make: [], larger: [], delete: [] }
    for (const wish of wishes) {
      seen.length = 0
      await wished(life, wish, 'traced')
      await over(life, 'traced')
      trace[wish] = [...new Set(seen)]
    }
    const names = Array.from({ length: Math.max(...wishes.map(wish => trace[wish].length)) }, (_, n) => nameOf(n))
    for (const wish of wishes) {
      died.length = 0
      for (const [n, name] of names.entries()) deaths.set(await wished(life, wish, name), trace[wish][n] ?? '')
      for (const name of names) await over(life, name)
      const there = (await volumesOf(life).list(bound())).map(one => `${one.name} ${one.sizeGb}`)
      expect(there.toSorted()).toEqual(wish === 'delete' ? [] : names.map(name => `${name} ${gbOf[wish]}`).toSorted())
    }
    const { rows } = await life.world.pool.query('select name from core.volume')
    expect(rows).toEqual([])
  },
}

export const volumeCases: readonly LifeCase[] = [moveCase, wishCase]

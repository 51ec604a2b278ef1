import { expect } from '@jest/globals'
import { ProviderError, type Accepted, type Provider, type VolumeApi } from '@re-ops/protocols'
import { askSystem, listJobs } from '@re-ops/re-core/testing'
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

/** The steps of both verbs, by name and in order, the first of each name. */
const traced = async (life: Life, seen: string[], ids: readonly string[]): Promise<Record<Moving, string[]>> => {
  const trace = { attach: [''], detach: [''] }
  for (const verb of verbs) {
    seen.length = 0
    await moved(life, verb, ids)
    await agree(life, verb, ids)
    trace[verb] = [...new Set(seen)]
  }
  return trace
}

export const volumeCase: LifeCase = {
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

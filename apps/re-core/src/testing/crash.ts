import { identityOf } from '../providers/identity.ts'
import type { World, WorkerOptions } from './world.ts'

/** Processes are exactly those of rows that are not gone: 0 orphans, 0 lost, 0 duplicates. */
export const machinesAgree = async (world: World, ids: readonly string[]): Promise<void> => {
  const rows = await Promise.all(ids.map(world.row))
  const wanted = rows.filter(row => row.phase !== 'gone').map(row => row.ref)
  await world.until('processes agree with rows', async () => {
    const alive = await world.running()
    return alive.length === wanted.length && alive.every(ref => wanted.includes(ref))
  })
}

/** The steps of create, reload and destroy, by name and in order. */
export const traceOfOneLife = async (world: World, options: WorkerOptions = {}): Promise<string[]> => {
  const trace: string[] = []
  await world.startOne({
    ...options,
    at: name => void trace.push(name),
    localAt: name => void trace.push(`local.${name}`),
  })
  const id = await world.create('traced')
  await world.phase(id, 'ready')
  await world.ask(id, 'reload')
  await world.life(id, 2)
  await world.ask(id, 'destroy')
  await world.phase(id, 'gone')
  await world.stopWorkers()
  return trace
}

const withinMs = 60_000

export type Dying = WorkerOptions & {
  /** Called when all are ready in a life, and when all are gone. */
  readonly check?: (ids: readonly string[]) => Promise<void>
}

/** One life per point, all side by side since systems are independent; the worker dies once in each, at its point. */
export const dieAtPoints = async (
  world: World,
  points: readonly number[],
  { check, ...options }: Dying = {},
): Promise<void> => {
  const lives = points.map(n => ({ n, steps: 0 }))
  const byKey = new Map<string, (typeof lives)[number]>()
  const dies = (_point: string, key: string) => {
    const life = byKey.get(key)
    if (life !== undefined && life.steps++ === life.n) throw new Error('killed here')
  }
  await world.startOne({ ...options, at: dies, localAt: dies })
  const ids: string[] = []
  for (const life of lives)
    ids.push(
      await world.create(`one-${life.n}`, made => {
        byKey.set(made, life)
        for (const generation of [1, 2]) byKey.set(identityOf(world.installation, made, generation, 0).uuid, life)
      }),
    )
  for (const id of ids) await world.phase(id, 'ready', withinMs)
  for (const id of ids) await world.ask(id, 'reload')
  for (const id of ids) await world.life(id, 2, withinMs)
  await machinesAgree(world, ids)
  await check?.(ids)
  for (const id of ids) await world.ask(id, 'destroy')
  for (const id of ids) await world.phase(id, 'gone', withinMs)
  await machinesAgree(world, ids)
  await check?.([])
  const spared = lives.filter(life => life.steps <= life.n)
  // How often a life looks before it moves on depends on timing, so a few of the latest points may not be reached.
  if (spared.length > lives.length / 10)
    throw new Error(`${spared.length} of ${lives.length} lives never came to their point`)
}

import { setTimeout as wait } from 'node:timers/promises'
import type { SystemRow, World } from '@re-ops/re-core/testing'
import { clean, judge, sum, type Verdict } from './check.ts'
import { type Deaths, type LifeVerb } from './plan.ts'
import type { Stage } from './stage.ts'
import type { Workers, WorkerProcess } from './workers.ts'

export type BatchDeps = {
  readonly world: World
  readonly stage: Stage
  readonly workers: Workers
  readonly verbs: readonly LifeVerb[]
}
/** What came of some lives led side by side. */
export type Batch = {
  readonly verdict: Verdict
  /** Processes killed. */
  readonly killed: number
  /** Deaths at the very step that was meant, as `deathName` names them. */
  readonly deaths: readonly string[]
  /** Deaths whose step the system did not come to (how often it looks depends on time). */
  readonly spared: number
  /** By verb and life: steps of the worker that brought the verb to its end. */
  readonly last: readonly Readonly<Partial<Record<LifeVerb, readonly string[]>>>[]
}

const pollMs = 25
const settleWithinMs = 90_000

const openJobs = async ({ pool }: World, ids: readonly string[]): Promise<string[]> =>
  (
    await pool.query<{ system: string }>('select system from core.job where finished_at is null and system = any($1)', [
      ids,
    ])
  ).rows.map(row => row.system)

/** A death after the verb has come to its end is a moment away. */
const lastStepsMs = 500

/** Until each of them has stopped at its step or come to the end of its verb; answers those that did neither in time. */
const settle = async (
  world: World,
  { ids, dying }: { readonly ids: readonly string[]; readonly dying: readonly string[] },
  worker: WorkerProcess,
): Promise<string[]> => {
  for (const end = performance.now() + settleWithinMs; ; await wait(pollMs)) {
    const open = (await openJobs(world, ids)).filter(id => !worker.isHeld(id))
    if (open.length > 0 && performance.now() < end) continue
    const lastEnd = performance.now() + lastStepsMs
    while (!dying.every(worker.isHeld) && performance.now() < lastEnd) await wait(pollMs)
    return open
  }
}

/** Asks the verb of all; of `create`, only once the worker knows where they are to die. */
const ask = async (
  { world, stage }: BatchDeps,
  verb: LifeVerb,
  lives: { readonly names: readonly string[]; readonly ids: string[] },
  ready: (ids: readonly string[]) => void,
): Promise<void> => {
  if (verb !== 'create') {
    ready(lives.ids)
    // A guest whose CPUs do not run cannot be asked to stop.
    const force = stage.worker.paused
    const input = verb === 'resize' && stage.largerSize !== null ? { size: stage.largerSize, force } : {}
    for (const id of lives.ids) await world.ask(id, verb, input)
    return
  }
  const known = Promise.withResolvers<void>()
  const made = lives.names.map((name, n) =>
    world.create(name, async id => {
      lives.ids[n] = id
      if (Object.keys(lives.ids).length === lives.names.length) known.resolve()
      await known.promise
    }),
  )
  await known.promise
  ready(lives.ids)
  await Promise.all(made)
}

type Round = { late: string[]; killed: number; deaths: string[]; spared: number }

/** The last of these deaths, by the way to it. */
export const deathName = (verb: LifeVerb, steps: readonly string[]): string => [verb, ...steps].join(' ')

/** One verb of all lives: to each first death, to each second one, then to the end. */
const lead = async (
  deps: BatchDeps,
  verb: LifeVerb,
  lives: { readonly names: readonly string[]; readonly ids: string[] },
  plans: readonly Deaths[],
): Promise<Round> => {
  const { world, workers } = deps
  const deaths = Math.max(0, ...plans.map(plan => plan[verb]?.length ?? 0))
  const round: Round = { late: [], killed: 0, deaths: [], spared: 0 }
  for (let nth = 0; nth <= deaths; nth += 1) {
    const worker = await workers.current()
    const begin = (ids: readonly string[]) =>
      worker.order(
        ids.flatMap((id, n) => {
          const step = plans[n]?.[verb]?.[nth]
          return step === undefined ? [] : [[id, step] as const]
        }),
      )
    if (nth === 0) await ask(deps, verb, lives, begin)
    else begin(lives.ids)
    const dying = lives.ids.filter((_, n) => plans[n]?.[verb]?.[nth] !== undefined)
    round.late = await settle(world, { ids: lives.ids, dying }, worker)
    if (nth === deaths) continue
    const hit = lives.ids.flatMap((id, n) =>
      worker.isHeld(id) ? [deathName(verb, plans[n]?.[verb]?.slice(0, nth + 1) ?? [])] : [],
    )
    await workers.kill()
    round.killed += 1
    round.deaths.push(...hit)
    round.spared += lives.ids.length - hit.length
  }
  return round
}

/** Systems that do not have the size they were given. */
const otherSize = (rows: readonly SystemRow[], { largerSize }: Stage): string[] =>
  rows.filter(row => row.size !== largerSize || row.wantSize !== null).map(row => row.id)

/** Leads as many lives as there are plans, side by side, through all verbs. */
export const leadBatch = async (deps: BatchDeps, name: string, plans: readonly Deaths[]): Promise<Batch> => {
  const { world, stage, workers, verbs } = deps
  const lives = { names: plans.map((_, n) => `${name}-${n}`), ids: [] as string[] }
  const last = plans.map((): Partial<Record<LifeVerb, readonly string[]>> => ({}))
  const deaths: string[] = []
  let [verdict, killed, spared] = [clean, 0, 0]
  for (const verb of verbs) {
    const round = await lead(deps, verb, lives, plans)
    const worker = await workers.current()
    for (const [n, id] of lives.ids.entries()) (last[n] ?? {})[verb] = worker.steps(id)
    const rows: SystemRow[] = await Promise.all(lives.ids.map(world.row))
    const goal = verb === 'destroy' ? 'gone' : 'ready'
    const late = [...round.late, ...(verb === 'resize' ? otherSize(rows, stage) : [])]
    verdict = sum(verdict, judge({ rows, late, machines: await stage.alive(), goal }))
    deaths.push(...round.deaths)
    ;[killed, spared] = [killed + round.killed, spared + round.spared]
  }
  return { verdict, killed, deaths, spared, last }
}

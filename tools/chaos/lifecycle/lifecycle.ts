import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeWorld, testSpec, type LifeWorker, type World } from '@re-ops/re-core/testing'
import { testPostgres } from '@re-ops/service/testing'
import type { Proof } from '../../proof/command.ts'
import { rounded, type Report } from '../../proof/report.ts'
import { makeRandom } from '../foundation/random.ts'
import { leadBatch, type Batch, type BatchDeps } from './batch.ts'
import { clean, sum, type Verdict } from './check.ts'
import {
  common,
  countOf,
  doubles,
  singles,
  verbs,
  without,
  type Deaths,
  type LifeVerb,
  type Recoveries,
  type Traces,
} from './plan.ts'
import { openStage, targets, type Stage, type TargetName } from './stage.ts'
import { makeWorkers } from './workers.ts'

type Say = (line: string) => void
export type LifecyclePlan = {
  readonly seed: number
  readonly naive: boolean
  /** Of each verb; the first deaths of a single run are at every step all the same unless `steps` says less. */
  readonly doubles: number | 'all'
  /** So many steps of each verb, chosen by the seed; all = every one. */
  readonly steps: number | 'all'
  /** So often lives are led again for steps at which nobody died. */
  readonly again: number
}

/** What may not be, whatever was killed. */
export const safety = ['orphans', 'duplicates', 'lost', 'unsettled', 'leftovers', 'identitiesLeft'] as const

const openWorld = async (url: string, stage: Stage, key: Buffer, naive: boolean): Promise<World> =>
  makeWorld(url, {
    key,
    spec: name => ({ ...testSpec(name), labels: {}, ...stage.spec, ...(naive ? { readiness: 'none' as const } : {}) }),
    callsHome: async (system, generation) =>
      (await stage.alive()).some(one => one.system === system && one.generation === generation && one.running),
  })

type Total = { verdict: Verdict; killed: number; deaths: string[]; spared: number; lives: number }
const add = (total: Total, batch: Batch): void => {
  total.verdict = sum(total.verdict, batch.verdict)
  total.killed += batch.killed
  total.deaths.push(...batch.deaths)
  total.spared += batch.spared
  total.lives += batch.last.length
}

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size))

/** The lives of all plans, so many at once; answers each one's last steps. */
const leadAll = async (
  deps: BatchDeps,
  what: string,
  plans: readonly Deaths[],
  total: Total,
  say: Say,
  atOnce = deps.stage.livesMax,
) => {
  const last: Batch['last'][number][] = []
  const all = chunks(plans, atOnce)
  for (const [n, some] of all.entries()) {
    const batch = await leadBatch(deps, `${what}-${n}`, some)
    add(total, batch)
    last.push(...batch.last)
    for (const finding of batch.verdict.findings.slice(0, 10)) say(finding)
    say(
      `${what} ${n + 1}/${all.length}: ${batch.last.length} lives, ${batch.deaths.length} deaths, ${batch.spared} spared`,
    )
  }
  return last
}

const recoveriesOf = (plans: readonly Deaths[], last: readonly Batch['last'][number][]): Recoveries => {
  const all = new Map<LifeVerb, Map<string, readonly string[]>>()
  for (const [n, plan] of plans.entries())
    for (const verb of verbs) {
      const [first] = plan[verb] ?? []
      const steps = last[n]?.[verb]
      if (first === undefined || steps === undefined) continue
      all.set(verb, (all.get(verb) ?? new Map<string, readonly string[]>()).set(first, steps))
    }
  return Object.fromEntries(all)
}

const some = (traces: Traces, { steps, seed }: LifecyclePlan): Traces => {
  if (steps === 'all') return traces
  const random = makeRandom(seed)
  return Object.fromEntries(Object.entries(traces).map(([verb, all]) => [verb, random.some(all, steps)]))
}

const identitiesLeft = ({ mote }: World): number => [...mote.enrolments.values()].filter(one => !one.revoked).length

/** Their common steps are the trace. */
const undisturbed = 3

/** What has no sizes is not resized. */
const verbsOf = ({ largerSize }: Stage): readonly LifeVerb[] =>
  largerSize === null ? verbs.filter(verb => verb !== 'resize') : verbs

/** One target: a trace of undisturbed lives, then one death at each of its steps, then two. */
export const runTarget = async (target: TargetName, plan: LifecyclePlan, say: Say) => {
  const from = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'lives-'))
  const database = await testPostgres()
  const stage = await openStage(target, folder)
  const key = randomBytes(32)
  const world = await openWorld(database.url, stage, key, plan.naive)
  const told: LifeWorker = {
    ...stage.worker,
    databaseUrl: database.url,
    moteUrl: world.mote.url,
    key: key.toString('base64'),
    naive: plan.naive,
  }
  const workers = makeWorkers(told)
  try {
    // The seeded bug does its harm where machines are made.
    const deps: BatchDeps = { world, stage, workers, verbs: plan.naive ? ['create', 'destroy'] : verbsOf(stage) }
    const total: Total = { verdict: clean, killed: 0, deaths: [], spared: 0, lives: 0 }
    const alone: Traces[] = []
    // One after the other: side by side they would get in each other's way.
    for (let n = 0; n < undisturbed; n += 1) alone.push(...(await leadAll(deps, `trace-${n}`, [{}], total, say)))
    const trace = common(alone)
    if (total.verdict.unsettled > 0) throw new Error(`${target}: undisturbed lives do not come to their end`)
    // The seeded bug does harm at a few steps alone.
    const chosen = plan.naive ? trace : some(trace, plan)
    const once = singles(chosen)
    const recoveries = recoveriesOf(once, await leadAll(deps, 'once', once, total, say))
    const spared = () => without(chosen, new Set(total.deaths))
    // Some steps, another look at what is not there yet, are taken only by a life that has the machine for itself.
    for (let again = 0; again < plan.again && countOf(spared()) > 0; again += 1)
      await leadAll(deps, `again-${again}`, singles(spared()), total, say, again === 0 ? undefined : 1)
    for (const [verb, steps] of Object.entries(spared()))
      for (const step of steps) say(`nobody died at ${verb} ${step}`)
    if (!plan.naive) await leadAll(deps, 'twice', doubles(recoveries, plan.doubles, plan.seed), total, say)
    const left = await stage.leftovers()
    for (const one of left.slice(0, 10)) say(`left over: ${one}`)
    const { findings: _, ...counted } = total.verdict
    return {
      steps: countOf(trace),
      stepsWithoutDeath: countOf(spared()),
      lives: total.lives,
      kills: total.killed,
      deaths: total.deaths.length,
      spared: total.spared,
      ...counted,
      leftovers: left.length,
      identitiesLeft: identitiesLeft(world),
      tookS: rounded((performance.now() - from) / 1_000),
    }
  } finally {
    await workers.stop()
    await world.stop()
    await stage.stop()
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the seeded bug has done. */
const harms = ['orphans', 'duplicates', 'lost'] as const

/** Measures of each target under its name. With the seeded bug the run holds when it is found out. */
export const runLifecycle = async (names: readonly TargetName[], plan: LifecyclePlan, say: Say): Promise<Report> => {
  const measures: Record<string, number> = { seed: plan.seed }
  const aims: Record<string, { atMost: number } | { atLeast: number }> = {}
  for (const name of names) {
    say(`${name}: seed ${plan.seed}${plan.naive ? ', seeded bug naive' : ''}`)
    const counted = await runTarget(name, plan, line => say(`${name}: ${line}`))
    for (const [key, value] of Object.entries(counted)) measures[`${name}.${key}`] = value
    if (plan.naive) {
      measures[`${name}.harm`] = harms.reduce((all, key) => all + counted[key], 0)
      aims[`${name}.harm`] = { atLeast: 1 }
      continue
    }
    for (const key of safety) aims[`${name}.${key}`] = { atMost: 0 }
    if (plan.again > 0) aims[`${name}.stepsWithoutDeath`] = { atMost: 0 }
  }
  const words = ['lifecycle', ...(plan.naive ? ['naive'] : []), ...(names.length === 1 ? names : [])]
  return { name: words.join(' '), measures, aims }
}

const clouds = targets.filter(one => one.startsWith('fake-'))
/** The naive worker waits for no agent, and a machine of `local` is one. */
const targetsOf = (text: string | undefined, naive: boolean): readonly TargetName[] => {
  if (text === undefined) return naive ? clouds : [...clouds, 'local']
  const allowed = naive ? targets.filter(one => one !== 'local') : targets
  const found = allowed.find(one => one === text)
  if (found !== undefined) return [found]
  throw new Error(`--target ${text}: allowed${naive ? ' with --fault naive' : ''}: ${allowed.join(', ')}`)
}
const numberOf = (flag: string, text: string | undefined, standard: number | 'all'): number | 'all' => {
  if (text === undefined || text === 'all') return text ?? standard
  const count = Number(text)
  if (Number.isInteger(count) && count >= 0) return count
  throw new Error(`--${flag} ${text}: allowed: all, or a whole number from 0`)
}
const naiveOf = (text: string | undefined): boolean => {
  if (text === undefined || text === 'naive') return text !== undefined
  throw new Error(`--fault ${text}: allowed: naive`)
}

/** Of each verb; on real QEMU a machine costs a second of a processor. */
const doublesOf = (names: readonly TargetName[]): number => (names.includes('qemu') ? 20 : 200)
/** What a machine can do in the time of a test. */
export const shortPlan = { doubles: 6, steps: 12, again: 0 } as const
const fullAgain = 3

/** `chaos lifecycle [--target T] [--seed N] [--short yes] [--doubles N|all] [--fault naive] [--keep no]` */
export const lifecycle: Proof = {
  doc: 'worker processes killed (-9) before and after every step of create, resize, reload and destroy; then rows against machines',
  run: ({ say, flag }) => {
    const naive = naiveOf(flag('fault'))
    const names = targetsOf(flag('target'), naive)
    const isShort = flag('short') !== undefined
    const plan: LifecyclePlan = {
      seed: Number(flag('seed') ?? Date.now() % 1_000_000),
      naive,
      doubles: numberOf('doubles', flag('doubles'), isShort ? shortPlan.doubles : doublesOf(names)),
      steps: isShort ? shortPlan.steps : 'all',
      again: isShort ? shortPlan.again : fullAgain,
    }
    return runLifecycle(names, plan, say)
  },
}

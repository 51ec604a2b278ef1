import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Host, Run, System } from '@re-ops/protocols'
import type { Proof } from '../../proof/command.ts'
import { rounded, type Report } from '../../proof/report.ts'
import { startCluster, type Cluster } from '../../supervisor/cluster.ts'
import { makeApi, type Api } from './api.ts'
import { check, type Verdict } from './check.ts'
import { startChurn } from './churn.ts'
import { killAtRandom, partKinds } from './killer.ts'
import { startLoad } from './load.ts'
import type { PartKind } from './parts.ts'
import { makeRandom } from './random.ts'

/** How hard a run is; the short form is for CI, with the same rules. */
export type Plan = {
  seed: number
  kills: number
  creates: number
  systems: number
  runsPerSecond: number
  pauseMs: readonly [number, number]
  faults: string | undefined
  /** Which parts are killed; all of them unless a seeded bug is looked for in one. */
  kinds: readonly PartKind[]
  hurriedShare: number
  /** Kills go to `kinds` in turn, each in a hurry after the one before. */
  aimed: boolean
}

const settleWithinMs = 60_000
const settlePollMs = 500
const createWaitMs = 3_000
const logTail = 60

export const fullPlan = {
  kills: 50,
  creates: 120,
  systems: 6,
  runsPerSecond: 24,
  pauseMs: [1_200, 3_200],
  kinds: partKinds,
  hurriedShare: 0.3,
  aimed: false,
} as const
export const shortPlan = {
  kills: 10,
  creates: 40,
  systems: 4,
  runsPerSecond: 24,
  pauseMs: [800, 2_000],
  kinds: partKinds,
  hurriedShare: 0.3,
  aimed: false,
} as const

/** The checks that no load and no slow machine may break. */
export const safety = [
  'requestsRefused',
  'notTerminal',
  'doubleStarts',
  'finishedMissing',
  'lostUnexplained',
  'systemsAstray',
  'orphans',
] as const

/** Where each seeded bug shows: a short run aims its kills there. */
export const seededBugs: Readonly<Record<string, readonly PartKind[]>> = {
  'ack-before-commit': ['postgres', 're-mote'],
  'no-journal': ['agent'],
  'no-fence': ['re-core'],
}

/** Every run and system as the services tell it, once nothing moves any more or the time is up. */
const settle = async (api: Api, cluster: Cluster, ids: readonly string[]) => {
  const until = performance.now() + settleWithinMs
  const from = performance.now()
  const done = new Map<string, Run>()
  for (;;) {
    for (const id of ids)
      if (!done.has(id)) {
        const run = (await api.get(`${cluster.moteUrl}/v1/runs/${id}`)).body as Run
        if (run.state === 'done') done.set(id, run)
        if (performance.now() > until) break
      }
    const systems = (await api.get(`${cluster.coreUrl}/v1/systems`)).body as System[]
    const moving = systems.filter(system => system.phase !== (system.desired === 'absent' ? 'gone' : 'ready'))
    const settled = done.size === ids.length && moving.length === 0
    if (settled || performance.now() > until) {
      const open = ids.filter(id => !done.has(id))
      const rest = await Promise.all(
        open.map(async id => (await api.get(`${cluster.moteUrl}/v1/runs/${id}`)).body as Run),
      )
      return { settled, afterMs: performance.now() - from, runs: [...done.values(), ...rest], systems }
    }
    await wait(settlePollMs)
  }
}

/** Kill -9 at random under load, then hold services, journals, effects and processes against each other. */
export const runFoundation = async (plan: Plan, say: (line: string) => void): Promise<Report> => {
  say(`seed ${plan.seed}, ${plan.kills} kills${plan.faults ? `, seeded bug ${plan.faults}` : ''}`)
  const state = realpathSync(mkdtempSync(join(tmpdir(), 'reops-chaos-')))
  const random = makeRandom(plan.seed)
  const faults = plan.faults ? { REOPS_FAULTS: plan.faults, REOPS_PROOF_KIT: '1' } : {}
  const cluster = await startCluster({
    state,
    systems: plan.systems,
    ports: 0,
    onLine: () => undefined,
    environment: faults,
  })
  try {
    const api = makeApi(cluster.token)
    const known = (await api.get(`${cluster.moteUrl}/v1/hosts`)).body as Host[]
    const hosts = known.map(host => host.name)
    const effects = join(state, 'effects')
    const from = performance.now()
    const load = startLoad({ api, moteUrl: cluster.moteUrl, random, hosts, effects, runsPerSecond: plan.runsPerSecond })
    // Some kills come in a hurry, so the whole takes about two thirds of what the pauses say; the creates are done by then.
    const churnMs = (plan.kills * (plan.pauseMs[0] + plan.pauseMs[1])) / 3 / plan.creates
    const churn = startChurn({ api, coreUrl: cluster.coreUrl, everyMs: churnMs, total: plan.creates })
    const kills = await killAtRandom({
      state,
      random,
      count: plan.kills,
      kinds: plan.kinds,
      hurriedShare: plan.hurriedShare,
      aimed: plan.aimed,
      moment: async kind => {
        if (kind !== 're-core') return
        await churn.creating(createWaitMs)
        await wait(random.between(5, 45))
      },
      pauseMs: plan.pauseMs,
      hosts,
      isBusy: part =>
        part.kind === 're-core'
          ? churn.busy() > 0
          : part.kind === 'agent'
            ? load.busyHosts().has(part.host ?? '')
            : load.openRuns() > 0,
      say,
    })
    const loadMs = performance.now() - from
    await Promise.all([load.stop(), churn.stop()])
    const ids = [...load.accepted().keys()]
    const after = await settle(api, cluster, ids)
    const verdict = check({ state, runs: after.runs, systems: after.systems, kept: churn.kept(), effects })
    for (const line of [...load.refused(), ...churn.refused()]) say(`refused: ${line}`)
    for (const line of verdict.findings) say(line)
    const repeats = [...api.repeats()].toSorted(([, a], [, b]) => b - a)
    for (const [why, times] of repeats.slice(0, 5)) say(`sent again ${times} times: ${why}`)
    const inFlight = kills.filter(kill => kill.inFlight).length / kills.length
    return report(plan, verdict, {
      kills: kills.length,
      killsInFlightShare: rounded(inFlight),
      runsPerSecond: rounded(ids.length / (loadMs / 1000)),
      creates: churn.creates(),
      destroys: churn.destroys(),
      requestsRefused: load.refused().length + churn.refused().length,
      runsBegun: load.begun(),
      requestsRepeated: repeats.reduce((sum, [, times]) => sum + times, 0),
      settledAfterS: rounded(after.afterMs / 1000),
      settled: after.settled ? 1 : 0,
    })
  } catch (error) {
    for (const name of ['re-mote', 're-core'])
      for (const line of readFileSync(join(state, 'log', `${name}.log`), 'utf8')
        .split('\n')
        .slice(-logTail))
        if (!line.includes('"level":"info"')) say(`${name}: ${line.slice(0, 400)}`)
    throw error
  } finally {
    await cluster.stop()
    rmSync(state, { recursive: true, force: true })
  }
}

const report = (plan: Plan, verdict: Verdict, measures: Record<string, number>): Report => {
  const { findings: _, ok, targets, ...counted } = verdict
  return {
    name: 'foundation',
    measures: { seed: plan.seed, ...measures, targets, okShare: rounded(ok / Math.max(1, targets)), ...counted },
    aims: {
      kills: { atLeast: plan.kills },
      killsInFlightShare: { atLeast: 0.6 },
      runsPerSecond: { atLeast: 20 },
      creates: { atLeast: Math.min(100, plan.creates) },
      requestsRefused: { atMost: 0 },
      settled: { atLeast: 1 },
      settledAfterS: { atMost: settleWithinMs / 1000 },
      notTerminal: { atMost: 0 },
      okShare: { atLeast: 0.8 },
      doubleStarts: { atMost: 0 },
      finishedMissing: { atMost: 0 },
      lostUnexplained: { atMost: 0 },
      systemsAstray: { atMost: 0 },
      orphans: { atMost: 0 },
    },
  }
}

/** `chaos foundation [--seed N] [--short yes] [--fault ack-before-commit|no-journal|no-fence] [--only agent,broker,...] [--keep no]` */
export const foundation: Proof = {
  doc: 're-core, re-mote, its broker, Postgres and agents killed (-9) at random under load; then three witnesses compared',
  run: ({ say, flag }) => {
    const seed = Number(flag('seed') ?? Date.now() % 1_000_000)
    const shape = flag('short') === undefined ? fullPlan : shortPlan
    const only = flag('only')?.split(',') as PartKind[] | undefined
    return runFoundation({ ...shape, seed, faults: flag('fault'), ...(only ? { kinds: only, aimed: true } : {}) }, say)
  },
}

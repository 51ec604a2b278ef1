import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Host } from '@re-ops/protocols'
import type { Proof } from '../../proof/command.ts'
import { rounded, type Report } from '../../proof/report.ts'
import { startCluster, type Cluster } from '../../supervisor/cluster.ts'
import { makeApi } from './api.ts'
import { startAwake, type Awake } from './awake.ts'
import { check, type Verdict } from './check.ts'
import { startChurn } from './churn.ts'
import { keepEvidence } from './evidence.ts'
import { failuresOf } from './failures.ts'
import { killParts } from './killer.ts'
import { startLoad } from './load.ts'
import type { PartKind } from './parts.ts'
import { fullForm, seededBugs, shortForm, type Fault, type Plan } from './plan.ts'
import { lateResults, storedRuns } from './query.ts'
import { makeRandom } from './random.ts'
import { settle } from './settle.ts'
import { windowsText } from './windows.ts'

type Say = (line: string) => void

const createWaitMs = 3_000
const logTail = 60

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

const environmentOf = ({ fault, windows }: Plan) => ({
  REOPS_PROOF_KIT: '1',
  REMOTE_FACTS_HOURS: '0', // every run that is found was asked for
  REOPS_WINDOWS: windowsText(windows),
  ...(fault === undefined ? {} : { REOPS_FAULTS: fault }),
})

/** Load, creates and destroys, and kills -9 among them, until all kills are done and every request is answered. */
const disturb = async (deps: { plan: Plan; cluster: Cluster; effects: string; awake: Awake; say: Say }) => {
  const { plan, cluster, effects, awake, say } = deps
  const { state, moteUrl, coreUrl } = cluster
  const random = makeRandom(plan.seed)
  const api = makeApi(cluster.token, awake)
  const hosts = ((await api.get(`${moteUrl}/v1/hosts`)).body as Host[]).map(host => host.name)
  const from = awake.now()
  const load = startLoad({ api, moteUrl, random, hosts, effects, runsPerSecond: plan.runsPerSecond })
  // A kill takes about as long as the longest pause says: the creates go on until the last.
  const churn = startChurn({
    api,
    coreUrl,
    everyMs: (plan.kills * plan.pauseMs[1]) / plan.creates,
    total: plan.creates,
  })
  const kills = await killParts({
    ...plan,
    state,
    random,
    awake,
    count: plan.kills,
    moment: async kind => {
      if (kind !== 're-core') return
      await churn.creating(createWaitMs)
      await wait(random.between(5, 45))
    },
    hosts,
    isBusy: part =>
      part.kind === 're-core'
        ? churn.busy() > 0
        : part.kind === 'agent'
          ? load.busyHosts().has(part.host ?? '')
          : load.openRuns() > 0,
    say,
  })
  const loadMs = awake.now() - from
  await Promise.all([load.stop(), churn.stop()])
  return { api, load, churn, kills, loadMs }
}

/** Kill -9 under load, then hold services, journals, effects and processes against each other. */
export const runFoundation = async (plan: Plan, say: Say): Promise<Report> => {
  const { seed, fault } = plan
  say(
    `seed ${seed}, ${plan.kills} kills${fault ? `, seeded bug ${fault}` : ''}; held open: ${windowsText(plan.windows)}`,
  )
  const state = realpathSync(mkdtempSync(join(tmpdir(), 'reops-chaos-')))
  const environment = environmentOf(plan)
  const cluster = await startCluster({
    state,
    systems: plan.systems,
    ports: 0,
    onLine: () => undefined,
    environment,
  }).catch((error: unknown) => {
    rmSync(state, { recursive: true, force: true })
    throw error
  })
  const awake = startAwake()
  try {
    const effects = join(state, 'effects')
    const { api, load, churn, kills, loadMs } = await disturb({ plan, cluster, effects, awake, say })
    const accepted = [...load.accepted().keys()]
    // Also those whose answer the client gave up waiting for: nobody knows them, and they must come to an end all the same.
    const ids = [...new Set([...accepted, ...(await storedRuns(cluster.databaseUrls.mote))])]
    const after = await settle({ ...cluster, api, ids, withinMs: plan.settleWithinMs, awake })
    const lates = await lateResults(cluster.databaseUrls.mote)
    const verdict = check({ state, runs: after.runs, systems: after.systems, kept: churn.kept(), effects, lates })
    const refused = Map.groupBy([...load.refused(), ...churn.refused()], line => line)
    for (const [line, { length }] of refused) say(`refused ${length} times: ${line}`)
    for (const line of verdict.findings) say(line)
    for (const line of failuresOf(after.runs.flatMap(run => run.targets ?? []))) say(line)
    const repeats = [...api.repeats()].toSorted(([, a], [, b]) => b - a)
    for (const [why, times] of repeats.slice(0, 5)) say(`sent again ${times} times: ${why}`)
    const told = report(plan, verdict, {
      kills: kills.length,
      killsAimed: kills.filter(kill => kill.aim !== null).length,
      killsInFlightShare: rounded(kills.filter(kill => kill.inFlight).length / kills.length),
      runsPerSecond: rounded(accepted.length / (loadMs / 1000)),
      creates: churn.creates(),
      destroys: churn.destroys(),
      requestsRefused: load.refused().length + churn.refused().length,
      runsBegun: load.begun(),
      requestsRepeated: repeats.reduce((sum, [, times]) => sum + times, 0),
      settledAfterS: rounded(after.afterMs / 1000),
      settled: after.settled ? 1 : 0,
      sleptS: rounded(awake.sleptMs() / 1000),
    })
    if (awake.sleptMs() > 0)
      say(`the computer stood still for ${rounded(awake.sleptMs() / 1000)} s; limits leave that out`)
    const broken = safety.filter(key => told.measures[key] !== 0)
    if (fault !== undefined)
      say(`seeded bug ${fault}: ${seededBugs[fault].shows} ${told.measures[seededBugs[fault].shows]}`)
    else if (broken.length > 0 || !after.settled)
      say(`logs, journals and rows of this run are kept in ${await keepEvidence(state, cluster.databaseUrls)}`)
    say(`seed ${seed}: again with --seed ${seed}`)
    return told
  } catch (error) {
    tellLogs(state, say)
    say(`logs, journals and rows of this run are kept in ${await keepEvidence(state, cluster.databaseUrls)}`)
    throw error
  } finally {
    awake.stop()
    await cluster.stop()
    rmSync(state, { recursive: true, force: true })
  }
}

const tellLogs = (state: string, say: Say): void => {
  for (const name of ['re-mote', 're-core'])
    for (const line of readFileSync(join(state, 'log', `${name}.log`), 'utf8')
      .split('\n')
      .slice(-logTail))
      if (!line.includes('"level":"info"')) say(`${name}: ${line.slice(0, 400)}`)
}

const report = (plan: Plan, verdict: Verdict, measures: Record<string, number>): Report => {
  const { findings: _, ok, targets, ...counted } = verdict
  return {
    name: 'foundation',
    measures: { seed: plan.seed, ...measures, targets, okShare: rounded(ok / Math.max(1, targets)), ...counted },
    aims: {
      kills: { atLeast: plan.kills },
      // The others were aimed as well, but what they waited for did not come in time.
      killsAimed: { atLeast: Math.floor((plan.kills * plan.aimedShare) / 2) },
      killsInFlightShare: { atLeast: 0.6 },
      runsPerSecond: { atLeast: 20 },
      creates: { atLeast: Math.min(100, plan.creates) },
      requestsRefused: { atMost: 0 },
      settled: { atLeast: 1 },
      settledAfterS: { atMost: plan.settleWithinMs / 1000 },
      notTerminal: { atMost: 0 },
      okShare: { atLeast: plan.okShareMin },
      doubleStarts: { atMost: 0 },
      finishedMissing: { atMost: 0 },
      lostUnexplained: { atMost: 0 },
      systemsAstray: { atMost: 0 },
      orphans: { atMost: 0 },
    },
  }
}

/** A fault by its name; the run fails if it is none. */
const faultOf = (name: string | undefined): Fault | undefined => {
  if (name === undefined || Object.hasOwn(seededBugs, name)) return name as Fault | undefined
  throw new Error(`--fault ${name}: allowed: ${Object.keys(seededBugs).join(', ')}`)
}

/** `chaos foundation [--seed N] [--short yes] [--fault ack-before-commit|no-journal|no-fence] [--only agent,broker,...] [--keep no]` */
export const foundation: Proof = {
  doc: 're-core, re-mote, its broker, Postgres and agents killed (-9) at random and in held windows under load; then three witnesses compared',
  run: ({ say, flag }) => {
    const seed = Number(flag('seed') ?? Date.now() % 1_000_000)
    const form = flag('short') === undefined ? fullForm : shortForm
    const kinds = (flag('only')?.split(',') as PartKind[] | undefined) ?? form.kinds
    const aims = form.aims.filter(({ kind }) => kinds.includes(kind))
    return runFoundation({ ...form, kinds, aims, seed, fault: faultOf(flag('fault')) }, say)
  },
}

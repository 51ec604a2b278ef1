import { setTimeout as wait } from 'node:timers/promises'
import type { Proof } from '../../proof/command.ts'
import { rounded, type Report } from '../../proof/report.ts'
import { makeApi } from '../foundation/api.ts'
import { startAwake, type Awake } from '../foundation/awake.ts'
import { makeRandom } from '../foundation/random.ts'
import { startBlows } from './blows.ts'
import { check, type Verdict } from './check.ts'
import { askAll, startLoad, type Progress } from './load.ts'
import { blowNames, fullForm, planOf, seededBugs, shortForm, type Fault, type Plan } from './plan.ts'
import { withRig, type Rig } from './rig.ts'
import { readKeptOut, readStored } from './rows.ts'

type Say = (line: string) => void

const lookEveryMs = 1_000
const backWithinMs = 120_000

/** The checks that no load and no slow machine may break. */
export const safety = [
  'requestsRefused',
  'notTerminal',
  'miscounted',
  'doubleStarts',
  'finishedMissing',
  'startedUnreachable',
  'lostUnexplained',
] as const
const found = ({ findings }: Verdict) => findings.length > 0

/** What both sides have written, once nothing is missing any more or the time is up. */
const settle = async ({ databaseUrl, fleet }: Rig, { settleWithinMs, fault }: Plan, awake: Awake) => {
  const from = awake.now()
  for (;;) {
    const verdict = check(await readStored(databaseUrl), fleet.journals())
    const afterMs = awake.now() - from
    const isShown = fault !== undefined && verdict[seededBugs[fault].shows] > 0
    if (isShown || !found(verdict) || afterMs > settleWithinMs) return { verdict, afterMs }
    await wait(lookEveryMs)
  }
}

/** Runs and blows at once, then no more faults; what became of all of it. */
const disturb = async (plan: Plan, rig: Rig, awake: Awake, say: Say) => {
  const { motes, fleet } = rig
  const random = makeRandom(plan.seed)
  const api = makeApi(rig.token, awake)
  let turn = 0
  const url = () => (motes[(turn += 1) % motes.length] as (typeof motes)[number]).url
  const progress: Progress = { posted: 0, done: 0, blows: 0 }
  const blows = startBlows({ plan, rig, random, awake, progress, say })
  const load = startLoad({ plan, api, url, progress })
  const from = awake.now()
  await Promise.all([load.finished(), blows.finished()])
  const tookMs = awake.now() - from
  const faults = await fleet.stats()
  await fleet.fault('all', {})
  // With a seeded bug some may never come back: who forgets its journal looks like a copy, and is kept out.
  await fleet.ready(plan.fault === undefined ? backWithinMs : lookEveryMs).catch(({ message }: Error) => say(message))
  const settled = await settle(rig, plan, awake)
  const back = plan.fault === undefined ? await askAll(api, url(), plan.agents) : fleet.live()
  return { blows, load, progress, faults: faults.faults, tookMs, back, ...settled }
}

export const runDelivery = async (plan: Plan, say: Say): Promise<Report> => {
  const { seed, fault, agents, runs, blows, brokers } = plan
  const bug = fault ? `, seeded bug ${fault}` : ''
  say(`seed ${seed}: ${agents} agents, ${runs} runs, ${blows} blows, ${brokers} broker${brokers > 1 ? 's' : ''}${bug}`)
  const awake = startAwake()
  try {
    return await withRig(plan, async rig => {
      const done = await disturb(plan, rig, awake, say).catch((error: unknown) => {
        keep(rig, say)
        throw error
      })
      const { verdict, load } = done
      for (const line of [...load.refused.map(one => `refused: ${one}`), ...verdict.findings]) say(line)
      for (const { name, state, reason } of await readKeptOut(rig.databaseUrl)) say(`${name} is ${state}: ${reason}`)
      if ((found(verdict) || done.back < agents) && fault === undefined) keep(rig, say)
      if (fault !== undefined)
        say(`seeded bug ${fault}: ${seededBugs[fault].shows} ${verdict[seededBugs[fault].shows]}`)
      say(`seed ${seed}: again with --seed ${seed}`)
      return report(plan, verdict, {
        runs: done.progress.posted,
        requestsRefused: load.refused.length,
        blows: done.progress.blows,
        ...Object.fromEntries(blowNames.map(name => [`blows.${name}`, done.blows.byKind()[name] ?? 0])),
        blowsInFlightShare: rounded(done.blows.inFlight() / Math.max(1, plan.blows)),
        blowsAtCommit: done.blows.aimed(),
        ...Object.fromEntries(
          Object.keys(plan.shares)
            .filter(isFault)
            .map(name => [`faults.${name}`, faultOf(done, name)]),
        ),
        tookS: rounded(done.tookMs / 1000),
        settledAfterS: rounded(done.afterMs / 1000),
        agentsBack: done.back,
        sleptS: rounded(awake.sleptMs() / 1000),
      })
    })
  } finally {
    awake.stop()
  }
}

const keep = (rig: Rig, say: Say) => {
  rig.keep()
  say(`folders and logs of this run are kept in ${rig.folder}`)
}
const isFault = (name: string) => name !== 'delayMs'
const faultOf = ({ faults }: { faults: Readonly<Record<string, number>> }, name: string) => faults[name] ?? 0

const nothing = Object.fromEntries(safety.map(key => [key, { atMost: 0 }]))
const report = (plan: Plan, verdict: Verdict, measures: Readonly<Record<string, number>>): Report => {
  const { findings: _, ok, targets, ...counted } = verdict
  const { seed, agents, brokers } = plan
  const okShare = rounded(ok / Math.max(1, targets))
  return {
    name: plan.brokers > 1 ? `delivery ${plan.brokers} brokers` : 'delivery',
    measures: { seed, brokers, agents, ...measures, targets, okShare, ...counted },
    aims: {
      agents: { atLeast: agents },
      runs: { atLeast: plan.runs },
      targets: { atLeast: plan.runs * agents },
      blows: { atLeast: plan.blows },
      ...(plan.blows > 0 ? { blowsInFlightShare: { atLeast: 0.6 } } : {}),
      ...nothing,
      agentsBack: { atLeast: agents },
      okShare: { atLeast: plan.okShareMin },
      settledAfterS: { atMost: plan.settleWithinMs / 1000 },
    },
  }
}

/** A fault by its name; the run fails if it is none. */
const bugOf = (name: string | undefined): Fault | undefined => {
  if (name === undefined || Object.hasOwn(seededBugs, name)) return name as Fault | undefined
  throw new Error(`--fault ${name}: allowed: ${Object.keys(seededBugs).join(', ')}`)
}
const brokersOf = (text: string | undefined): number => {
  const brokers = Number(text ?? 1)
  if (Number.isInteger(brokers) && brokers >= 1 && brokers <= 8) return brokers
  throw new Error(`--brokers ${text}: allowed: a whole number, 1 to 8`)
}

/** `chaos delivery [--seed N] [--short yes] [--brokers N] [--fault ack-before-commit|no-journal|start-again] [--agents N] [--runs N] [--blows N] [--keep no]` */
export const delivery: Proof = {
  doc: 'runs on simulated agents while services, brokers, agents and links are killed, cut, delayed, doubled and reordered; then journals against Postgres',
  run: ({ say, flag }) => {
    const seed = Number(flag('seed') ?? Date.now() % 1_000_000)
    const form = flag('short') === undefined ? fullForm : shortForm
    const sizes = (['agents', 'processes', 'runs', 'blows'] as const).flatMap(key =>
      flag(key) === undefined ? [] : [[key, Number(flag(key))] as const],
    )
    const brokers = brokersOf(flag('brokers'))
    const sized = { ...form, ...Object.fromEntries(sizes) }
    return runDelivery(planOf(sized, { brokers, seed, fault: bugOf(flag('fault')) }), say)
  },
}

import type { Proof, ProofOptions } from '../../proof/command.ts'
import { median, rounded, type Report } from '../../proof/report.ts'
import { killBroker } from './broker-kill.ts'
import { besideColdSsh } from './cold-ssh.ts'
import { cpuSeconds, cpuText, noCpu, sumOfCpu, usedCpu } from './cpu.ts'
import { watchLoopDelay } from './loop-delay.ts'
import { metricOf } from './metric.ts'
import { checkPromises } from './promises.ts'
import { withRig, type Rig } from './rig.ts'
import { runOnce } from './run-once.ts'
import { sustained } from './sustained.ts'

type Say = ProofOptions['say']

const rounds = 5
const repeats = 5
const firstRunsMs = 10_000
/** Both sides are measured as they run for days: compiled. Fewer leave the compiler at work in every process beside them. */
const warmUpResults = 50_000
/** Bytes of a `call` of `ping` as it is on the wire; its result is as large. */
const messageBytes = 330
const sizes = [1_000, 5_000]
const ratioAims: Readonly<Record<number, number>> = { 1_000: 2, 5_000: 2.5 }

/**
 * What one bare round trip per host took where the limits of the design were measured (a Node broker with CURVE, peers in C). An idle machine
 * whose baseline is more than `strange` times that is another kind of machine: ratios hold there, milliseconds do not.
 */
const knownMs: Readonly<Record<number, number>> = { 1_000: 38, 5_000: 194 }
const strange = 1.3

const countCommits = ({ mote }: Rig): Promise<number> => metricOf(mote, 'mote_commit_batch_size_count')

/** `repeats` of each in turns, `rounds` times; the ratio of a round is that of its medians. */
const compare = async (rig: Rig, say: Say) => {
  for (let n = 0; n < warmUpResults; n += rig.agents) await runOnce(rig)
  for (let n = 0; n < warmUpResults; n += rig.agents) await rig.bare.twiceMs()
  const before = await rig.fleet.stats()
  const commits = await countCommits(rig)
  const runs: string[] = []
  const [ours, theirs, ratios]: [number[], number[], number[]] = [[], [], []]
  let [cpu, bareCpu] = [noCpu, noCpu]
  for (let round = 1; round <= rounds; round += 1) {
    const [bare, product]: [number[], number[]] = [[], []]
    const from = cpuSeconds(rig)
    for (let n = 0; n < repeats; n += 1) bare.push(await rig.bare.twiceMs())
    const between = cpuSeconds(rig)
    for (let n = 0; n < repeats; n += 1) {
      const { ms, run } = await runOnce(rig)
      product.push(ms)
      runs.push(run)
    }
    bareCpu = usedCpu(from, between, bareCpu)
    cpu = usedCpu(between, cpuSeconds(rig), cpu)
    ratios.push(median(product) / median(bare))
    ours.push(...product)
    theirs.push(...bare)
    say(`round ${round}: ping on ${rig.agents} ${rounded(median(product))} ms, bare twice ${rounded(median(bare))} ms`)
  }
  const results = runs.length * rig.agents
  say(`results in a commit: ${Math.round(results / ((await countCommits(rig)) - commits))}`)
  say(`CPU ms for 1,000 results: ${cpuText(cpu, results)}`)
  say(`CPU ms for 1,000 times two bare round trips: ${cpuText(bareCpu, results)}`)
  await checkPromises(rig, runs, before)
  const known = knownMs[rig.agents]
  const bareVsKnown = known === undefined ? undefined : rounded(median(theirs) / (2 * known))
  if (bareVsKnown !== undefined)
    say(
      `baseline: ${bareVsKnown} times the known one${bareVsKnown > strange ? '; take no milliseconds from this machine' : ''}`,
    )
  return {
    ...(bareVsKnown === undefined ? {} : { [`bare${rig.agents}VsKnown`]: bareVsKnown }),
    [`ratio${rig.agents}`]: rounded(median(ratios)),
    [`ratio${rig.agents}Spread`]: rounded(Math.max(...ratios) - Math.min(...ratios)),
    [`cpuRatio${rig.agents}`]: rounded(sumOfCpu(cpu) / sumOfCpu(bareCpu)),
    [`ping${rig.agents}Ms`]: rounded(median(ours)),
    [`bare${rig.agents}Ms`]: rounded(median(theirs)),
  }
}

/** What only the largest fleet is asked for: many runs at once, the broker's memory and its death. */
const stress = async (rig: Rig, say: Say, quietDelayMs: number) => {
  const { loopDelayP99Ms, coldSshMs } = await besideColdSsh(rig)
  say(`100 cold SSH connections beside a ping: ${coldSshMs} ms, broker loop delay p99 ${loopDelayP99Ms} ms`)
  const before = await rig.fleet.stats()
  // The first of so many runs at once make memory and code for them; what is sustained comes after.
  const first = await sustained(rig, firstRunsMs)
  const from = cpuSeconds(rig)
  const { resultsPerSecond, runs } = await sustained(rig)
  say(`sustained: ${resultsPerSecond} results a second in ${runs.length} runs, ${first.resultsPerSecond} at first`)
  say(`CPU ms for 1,000 results: ${cpuText(usedCpu(from, cpuSeconds(rig)), runs.length * rig.agents)}`)
  await checkPromises(rig, [...first.runs, ...runs], before)
  const { backAfterKillS, serviceP99Ms } = await killBroker(rig)
  say(`broker killed: all ${rig.agents} agents are back after ${backAfterKillS} s`)
  const brokerLoopDelayP99Ms = Math.max(quietDelayMs, loopDelayP99Ms)
  return {
    brokerLoopDelayP99Ms,
    coldSshMs,
    resultsPerSecond,
    resultsPerSecondAtFirst: first.resultsPerSecond,
    brokerKiBPerAgent: rig.brokerKiBPerAgent,
    backAfterKillS,
    serviceP99Ms,
  }
}

const stressAims = {
  resultsPerSecond: { atLeast: 8_000 },
  brokerKiBPerAgent: { atMost: 60 },
  backAfterKillS: { atMost: 15 },
  serviceP99Ms: { atMost: 250 },
  brokerLoopDelayP99Ms: { atMost: 50 },
}

/** Fan-out of `ping` through HTTP to the last result, against two bare round trips per host; the promises of delivery are checked. */
export const fanOut: Proof = {
  doc: 'ping on 1,000 and 5,000 agents through HTTP against two bare zeromq.js round trips per host',
  run: async ({ say, flag }): Promise<Report> => {
    const asked = flag('sizes')?.split(',').map(Number) ?? sizes
    const processes = Number(flag('processes') ?? 4)
    const largest = Math.max(...asked)
    const isQuick = flag('quick') !== undefined
    let measures: Record<string, number> = {}
    for (const agents of asked) {
      const measure = async (rig: Rig) => {
        const delay = watchLoopDelay(rig.mote)
        const compared = await compare(rig, say)
        const brokerLoopDelayP99Ms = rounded(await delay.stop())
        if (agents < largest || isQuick) return compared
        return { ...compared, ...(await stress(rig, say, brokerLoopDelayP99Ms)) }
      }
      measures = { ...measures, ...(await withRig({ agents, processes, messageBytes, say }, measure)) }
    }
    const ratios = Object.fromEntries(asked.map(agents => [`ratio${agents}`, { atMost: ratioAims[agents] ?? 2.5 }]))
    return { name: 'fan-out', measures, aims: { ...ratios, ...(isQuick ? {} : stressAims) } }
  },
}

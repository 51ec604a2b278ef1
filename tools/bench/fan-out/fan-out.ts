import type { Run } from '@re-ops/protocols'
import type { Proof, ProofOptions } from '../../proof/command.ts'
import { median, rounded, type Report } from '../../proof/report.ts'
import { cpuSeconds, cpuText, noCpu, sumOfCpu, usedCpu } from './cpu.ts'
import { checkPromises } from './promises.ts'
import { withRig, type Rig } from './rig.ts'

type Say = ProofOptions['say']

const rounds = 5
const repeats = 5
const warmUps = 5
/** Bytes of a `call` of `ping` as it is on the wire; its result is as large. */
const messageBytes = 330
const sizes = [1_000, 5_000]
const ratioAims: Readonly<Record<number, number>> = { 1_000: 2, 5_000: 2.5 }

const ping = { on: 'simulated=true', pipeline: { kind: 'call', operation: 'ping' } }

/** One run on all agents through HTTP, to the last committed result. */
export const runOnce = async ({ agents, mote }: Rig): Promise<{ ms: number; run: string }> => {
  const from = performance.now()
  const { body } = await mote.ask('POST', '/v1/runs?wait=60', { body: ping })
  const ms = performance.now() - from
  const { id, summary } = body as Run
  if (summary?.ok !== agents) {
    const said = mote.log().split('\n').slice(-12).join('\n')
    throw new Error(`the run did not succeed: ${JSON.stringify(summary ?? body).slice(0, 400)}\n${said}`)
  }
  return { ms, run: id }
}

/** `repeats` of each in turns, `rounds` times; the ratio of a round is that of its medians. */
const compare = async (rig: Rig, say: Say) => {
  for (let n = 0; n < warmUps; n += 1) await runOnce(rig)
  for (let n = 0; n < warmUps; n += 1) await rig.bare.twiceMs()
  const before = await rig.fleet.stats()
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
  say(`CPU ms for 1,000 results: ${cpuText(cpu, results)}`)
  say(`CPU ms for 1,000 times two bare round trips: ${cpuText(bareCpu, results)}`)
  await checkPromises(rig, runs, before)
  return {
    [`ratio${rig.agents}`]: rounded(median(ratios)),
    [`ratio${rig.agents}Spread`]: rounded(Math.max(...ratios) - Math.min(...ratios)),
    [`cpuRatio${rig.agents}`]: rounded(sumOfCpu(cpu) / sumOfCpu(bareCpu)),
    [`ping${rig.agents}Ms`]: rounded(median(ours)),
    [`bare${rig.agents}Ms`]: rounded(median(theirs)),
  }
}

/** `ping` on 1,000 and 5,000 agents through HTTP to the last result, against two bare round trips per host. */
export const fanOut: Proof = {
  doc: 'ping on 1,000 and 5,000 agents through HTTP against two bare zeromq.js round trips per host',
  run: async ({ say, flag }): Promise<Report> => {
    const asked = flag('sizes')?.split(',').map(Number) ?? sizes
    const processes = Number(flag('processes') ?? 4)
    let measures = {}
    for (const agents of asked)
      measures = {
        ...measures,
        ...(await withRig({ agents, processes, messageBytes, say }, rig => compare(rig, say))),
      }
    const aims = Object.fromEntries(asked.map(agents => [`ratio${agents}`, { atMost: ratioAims[agents] ?? 2.5 }]))
    return { name: 'fan-out', measures, aims }
  },
}

import type { Run } from '@re-ops/protocols'
import type { Proof } from '../proof/command.ts'
import { median, quantile, rounded, type Report } from '../proof/report.ts'
import type { Cluster } from '../supervisor/cluster.ts'
import { startBareZeromq, type BareZeromq } from './bare-zeromq.ts'
import { keepAlive } from './keep-alive.ts'
import { withCluster } from './with-cluster.ts'

const rounds = 5
const callsPerRound = 300
const warmUpCalls = 500

/**
 * One call through HTTP (`POST /v1/runs?wait`, one host, `ping`, everything committed) as a ratio to two bare zeromq.js
 * ROUTER/DEALER round trips with CURVE. Both are measured in this run, in turns, so a busy machine slows both.
 */
export const call: Proof = {
  doc: 'one call through HTTP against two bare zeromq.js round trips with CURVE',
  run: ({ say }) =>
    withCluster(say, async cluster => {
      const bare = await startBareZeromq()
      try {
        return await measure(cluster, bare, say)
      } finally {
        bare.stop()
      }
    }),
}

const measure = async (cluster: Cluster, bare: BareZeromq, say: (line: string) => void): Promise<Report> => {
  const body = { on: '*', pipeline: { kind: 'call', operation: 'ping' } }
  const connection = await keepAlive(cluster.moteUrl, cluster)
  const oneCallMs = async () => {
    const from = performance.now()
    const run = await connection.post<Run>(`${cluster.moteUrl}/v1/runs?wait=10`, body)
    if (run.summary.ok !== 1) throw new Error(`the call did not succeed: ${JSON.stringify(run).slice(0, 300)}`)
    return performance.now() - from
  }
  for (let n = 0; n < warmUpCalls; n += 1) await oneCallMs()
  for (let n = 0; n < warmUpCalls; n += 1) await bare.twoRoundTripsMs()
  const [calls, bares, ratios]: [number[], number[], number[]] = [[], [], []]
  for (let round = 1; round <= rounds; round += 1) {
    const [theirs, ours]: [number[], number[]] = [[], []]
    for (let n = 0; n < callsPerRound; n += 1) theirs.push(await bare.twoRoundTripsMs())
    for (let n = 0; n < callsPerRound; n += 1) ours.push(await oneCallMs())
    calls.push(...ours)
    bares.push(...theirs)
    ratios.push(median(ours) / median(theirs))
    say(`round ${round}: call ${rounded(median(ours))} ms, bare ${rounded(median(theirs))} ms`)
  }
  connection.close()
  return {
    name: 'call',
    measures: {
      p50Ratio: rounded(median(ratios)),
      p50RatioSpread: rounded(Math.max(...ratios) - Math.min(...ratios)),
      p99Ratio: rounded(quantile(calls, 0.99) / quantile(bares, 0.99)),
      callP50Ms: rounded(median(calls)),
      callP99Ms: rounded(quantile(calls, 0.99)),
      bareP50Ms: rounded(median(bares)),
      bareP99Ms: rounded(quantile(bares, 0.99)),
    },
    aims: { p50Ratio: { atMost: 10 } },
  }
}

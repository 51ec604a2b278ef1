import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Proof } from '../proof/command.ts'
import { median, quantile, rounded } from '../proof/report.ts'
import { startCluster } from '../supervisor/cluster.ts'
import { startBareZeromq } from './bare-zeromq.ts'

const rounds = 5
const callsPerRound = 300
const warmUpCalls = 100

/**
 * One call through HTTP (`POST /v1/runs?wait`, one host, `ping`, everything committed) as a ratio to two bare zeromq.js
 * ROUTER/DEALER round trips with CURVE. Both are measured in this run, in turns, so a busy machine slows both.
 */
export const call: Proof = {
  doc: 'one call through HTTP against two bare zeromq.js round trips with CURVE',
  run: async ({ say }) => {
    const state = mkdtempSync(join(tmpdir(), 'reops-bench-'))
    const cluster = await startCluster({ state, systems: 0, ports: 0, onLine: say })
    const bare = await startBareZeromq()
    try {
      const headers = { authorization: `Bearer ${cluster.token}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ on: '*', pipeline: { kind: 'call', operation: 'ping' } })
      const oneCallMs = async () => {
        const from = performance.now()
        const response = await fetch(`${cluster.moteUrl}/v1/runs?wait=10`, { method: 'POST', headers, body })
        const run = (await response.json()) as { summary?: { ok: number; expected: number } }
        if (response.status !== 201 || run.summary?.ok !== 1)
          throw new Error(`the call did not succeed: ${response.status} ${JSON.stringify(run).slice(0, 300)}`)
        return performance.now() - from
      }
      for (let n = 0; n < warmUpCalls; n += 1) await oneCallMs()
      for (let n = 0; n < warmUpCalls; n += 1) await bare.twoRoundTripsMs()
      const calls: number[] = []
      const bares: number[] = []
      const ratios: number[] = []
      for (let round = 1; round <= rounds; round += 1) {
        const [theirs, ours]: [number[], number[]] = [[], []]
        for (let n = 0; n < callsPerRound; n += 1) theirs.push(await bare.twoRoundTripsMs())
        for (let n = 0; n < callsPerRound; n += 1) ours.push(await oneCallMs())
        calls.push(...ours)
        bares.push(...theirs)
        ratios.push(median(ours) / median(theirs))
        say(`round ${round}: call ${rounded(median(ours))} ms, bare ${rounded(median(theirs))} ms`)
      }
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
    } finally {
      bare.stop()
      await cluster.stop()
      rmSync(state, { recursive: true, force: true })
    }
  },
}

import { makeMetrics, observePool, type Metrics, type Pool } from '@re-ops/service'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Stats } from './broker/port.ts'
import type { Unclaimed } from './driver/deps.ts'

export type MoteMetrics = {
  readonly metrics: Metrics
  readonly onStats: (stats: Stats) => void
  readonly onCommit: (items: number, ms: number) => void
  readonly onCallEnd: (state: string) => void
  readonly onUnclaimed: (reason: Unclaimed) => void
}
export type Sizes = {
  readonly sessions: number
  readonly runs: number
  readonly calls: number
  readonly commits: number
  readonly sshConnections: number
}

/** What re-mote counts of itself, beside process, HTTP and pool. */
export const makeMoteMetrics = (pool: Pool, sizes: () => Sizes): MoteMetrics => {
  const metrics = makeMetrics({ service: 're-mote' })
  observePool(metrics, pool)
  const registers = [metrics.registry]
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const read = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  read('mote_sessions', 'Agents with a live session', () => sizes().sessions)
  read('mote_runs_active', 'Runs that are not done', () => sizes().runs)
  read('mote_calls_active', 'Calls under way', () => sizes().calls)
  read('mote_commit_queue', 'Results that wait for their commit', () => sizes().commits)
  read('mote_ssh_connections', 'SSH connections that stand or are being made', () => sizes().sshConnections)
  const brokerQueue = gauge('mote_broker_queue', 'Messages that wait for the broker to write them')
  const pendingHellos = gauge('mote_broker_pending_hellos', 'Connections between handshake and session')
  const openFiles = gauge('mote_broker_open_files', 'Open files of the broker process')
  const loopDelay = gauge(
    'mote_broker_loop_delay_p99_ms',
    'How late the event loop of the broker is, p99 of the last second',
  )
  const drops = new Counter({
    name: 'mote_broker_drops_total',
    help: 'Messages and handshakes the broker dropped',
    labelNames: ['reason'] as const,
    registers,
  })
  const unclaimed = new Counter({
    name: 'mote_unclaimed_total',
    help: 'What agents said of calls that are not theirs, or not under way here, and samples that belong to no schedule',
    labelNames: ['reason'] as const,
    registers,
  })
  const calls = new Counter({
    name: 'mote_calls_total',
    help: 'Calls by terminal state',
    labelNames: ['state'] as const,
    registers,
  })
  const batch = new Histogram({
    name: 'mote_commit_batch_size',
    help: 'Results per commit',
    buckets: [1, 2, 5, 10, 50, 100, 500, 1000, 2000],
    registers,
  })
  const commit = new Histogram({
    name: 'mote_commit_seconds',
    help: 'Time of a commit of results',
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1, 5],
    registers,
  })
  return {
    metrics,
    onStats: stats => {
      brokerQueue.set(stats.queued)
      pendingHellos.set(stats.pendingHellos)
      openFiles.set(stats.openFiles)
      loopDelay.set(stats.loopDelayP99Ms)
      for (const [reason, count] of Object.entries(stats.drops)) drops.inc({ reason }, count)
    },
    onCommit: (items, ms) => {
      batch.observe(items)
      commit.observe(ms / 1000)
    },
    onCallEnd: state => calls.inc({ state }),
    onUnclaimed: reason => unclaimed.inc({ reason }),
  }
}

import { setTimeout as wait } from 'node:timers/promises'
import { rssOf } from '../../acceptance/testing.ts'
import type { Cluster } from '../../supervisor/cluster.ts'

const parts = ['broker', 're-mote', 're-core', 'agent'] as const
export type Watched = (typeof parts)[number] | 'attacked agent'

export type Watch = {
  /** Time of each real `ping` run, ms. */
  readonly pingsMs: readonly number[]
  readonly pingsFailed: readonly string[]
  readonly healthsFailed: readonly string[]
  /** Parts that were started again, one entry each time. */
  restarts(): readonly Watched[]
  rss(): Readonly<Record<Watched, number>>
  stop(): Promise<void>
}

const pingEveryMs = 250
const pingWithinMs = 20_000

/** Looks after what must go on while all this happens: real runs, health, the processes themselves. */
export const startWatch = (cluster: Cluster, attackedAgent: number): Watch => {
  const pingsMs: number[] = []
  const pingsFailed: string[] = []
  const healthsFailed: string[] = []
  const stop = new AbortController()
  const restarts: Watched[] = []
  let pids = cluster.pids()
  const look = () => {
    const now = cluster.pids()
    for (const part of parts) if (now[part] !== pids[part]) restarts.push(part)
    pids = now
  }
  const ping = async () => {
    const from = performance.now()
    try {
      const run = await cluster.client.mote.createRun(
        { on: 'this=true', pipeline: { kind: 'call', operation: 'ping' }, timeoutMs: pingWithinMs },
        { waitMs: pingWithinMs },
      )
      const { ok, expected } = run.summary
      if (ok !== expected || ok !== 1) pingsFailed.push(JSON.stringify(run.targets ?? run.summary).slice(0, 300))
      pingsMs.push(performance.now() - from)
    } catch (error) {
      pingsFailed.push((error as Error).message)
    }
  }
  const health = async () => {
    for (const url of [cluster.moteUrl, cluster.coreUrl])
      for (const path of ['/health', '/ready']) {
        const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(pingWithinMs) }).then(
          async response => (response.ok ? null : `${response.status} ${(await response.text()).slice(0, 300)}`),
          (error: unknown) => (error as Error).message,
        )
        if (answer !== null) healthsFailed.push(`${url}${path}: ${answer}`)
      }
  }
  const go = async () => {
    while (!stop.signal.aborted) {
      await Promise.all([ping(), health()])
      look()
      await wait(pingEveryMs)
    }
  }
  const gone = go()
  return {
    pingsMs,
    pingsFailed,
    healthsFailed,
    restarts: () => restarts,
    rss: () => {
      const now = cluster.pids()
      const of = (pid: number | null) => (pid === null ? 0 : rssOf(pid))
      return {
        broker: of(now.broker),
        're-mote': of(now['re-mote']),
        're-core': of(now['re-core']),
        agent: of(now.agent),
        'attacked agent': rssOf(attackedAgent),
      }
    },
    stop: async () => {
      stop.abort()
      await gone
    },
  }
}

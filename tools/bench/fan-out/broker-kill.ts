import { setTimeout as wait } from 'node:timers/promises'
import { quantile, rounded } from '../../proof/report.ts'
import type { Rig } from './rig.ts'

const withinMs = 120_000
const pollMs = 20

/** Milliseconds of each answer of the service, one after the other, until `done`. */
const watchService = async ({ mote }: Rig, done: () => boolean): Promise<number[]> => {
  const took: number[] = []
  const paths = ['/health', '/v1/hosts?on=sim-00001']
  for (let n = 0; !done(); n += 1) {
    const from = performance.now()
    const { status } = await mote.ask('GET', paths[n % paths.length] ?? '/health')
    if (status !== 200) throw new Error(`the service answers ${status} while its broker is away`)
    took.push(performance.now() - from)
    await wait(pollMs)
  }
  return took
}

/** kill -9 of the broker, until every agent has a new session; meanwhile the service is asked again and again. */
export const killBroker = async (rig: Rig): Promise<{ backAfterKillS: number; serviceP99Ms: number }> => {
  const { fleet, agents } = rig
  const { hellos } = await fleet.stats()
  const from = performance.now()
  let backMs: number | undefined
  const watching = watchService(rig, () => backMs !== undefined)
  process.kill(rig.pids().broker, 'SIGKILL')
  for (;;) {
    const isBack = fleet.live() === agents && (await fleet.stats()).hellos - hellos >= agents
    const ms = performance.now() - from
    if (isBack || ms > withinMs) {
      backMs = ms
      break
    }
    await wait(pollMs)
  }
  const took = await watching
  if (fleet.live() < agents) throw new Error(`${fleet.live()} of ${agents} agents are back after ${withinMs / 1_000} s`)
  return { backAfterKillS: rounded(backMs / 1_000), serviceP99Ms: rounded(quantile(took, 0.99)) }
}

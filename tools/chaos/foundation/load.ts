import { setTimeout as wait } from 'node:timers/promises'
import type { Run } from '@re-ops/protocols'
import type { Api } from './api.ts'
import type { Random } from './random.ts'

export type Load = {
  /** Hosts with a run in flight now, as this client sees it. */
  busyHosts(): ReadonlySet<string>
  openRuns(): number
  begun(): number
  /** Every run that was accepted, by id. */
  accepted(): ReadonlyMap<string, readonly string[]>
  refused(): readonly string[]
  /** No new runs; resolves when all that were begun are accepted. */
  stop(): Promise<void>
}

/** Leaves a trace per start that no service can forge or lose: one line, appended by the command itself. */
const effect = (effects: string, seconds: string) => ({
  kind: 'call',
  operation: 'shell',
  input: { script: `echo "$REOPS_CALL_ID" >> '${effects}'; sleep ${seconds}; echo "$REOPS_CALL_ID"` },
})

/** Runs at a steady rate, come what may: an open loop, so that a slow service cannot slow the load down. */
export const startLoad = (deps: {
  api: Api
  moteUrl: string
  random: Random
  hosts: readonly string[]
  effects: string
  runsPerSecond: number
}): Load => {
  const { api, moteUrl, random, hosts, effects, runsPerSecond } = deps
  const accepted = new Map<string, readonly string[]>()
  const refused: string[] = []
  const open = new Map<number, readonly string[]>()
  const begun = new Set<Promise<void>>()
  let stopped = false
  let number = 0

  const one = async (mine: number, on: readonly string[]) => {
    const pipeline =
      mine % 4 === 0
        ? { kind: 'sequence', steps: [{ kind: 'call', operation: 'ping' }, effect(effects, '0.05')] }
        : effect(effects, mine % 4 === 1 ? '0.4' : '0.15')
    const body = { on: on.join(' or '), pipeline, timeoutMs: 15_000 }
    const answer = await api.post(`${moteUrl}/v1/runs?wait=5`, body)
    if (answer.status === 201 || answer.status === 202) accepted.set((answer.body as Run).id, on)
    else refused.push(`${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`)
  }
  const loop = async () => {
    const from = performance.now()
    while (!stopped) {
      number += 1
      const mine = number
      const on = random.some(hosts, random.between(1, 3))
      open.set(mine, on)
      const task = one(mine, on)
        .catch((error: unknown) => {
          refused.push(String(error))
        })
        .finally(() => {
          open.delete(mine)
          begun.delete(task)
        })
      begun.add(task)
      await wait(Math.max(0, from + (number * 1000) / runsPerSecond - performance.now()))
    }
  }
  const looping = loop()
  return {
    busyHosts: () => new Set([...open.values()].flat()),
    openRuns: () => open.size,
    begun: () => number,
    accepted: () => accepted,
    refused: () => refused,
    stop: async () => {
      stopped = true
      await looping
      await Promise.all(begun)
    },
  }
}

import { setTimeout as wait } from 'node:timers/promises'
import type { Run } from '@re-ops/protocols'
import type { Api } from '../foundation/api.ts'
import type { Plan } from './plan.ts'

/** How far runs and blows are, so that each falls among the others. */
export type Progress = { posted: number; done: number; blows: number }
export type Load = {
  readonly refused: readonly string[]
  /** Every run was accepted, and is done or has been waited for long enough. Gives their ids. */
  finished(): Promise<readonly string[]>
}
export type LoadDeps = {
  readonly plan: Plan
  readonly api: Api
  /** The services in turn: a run goes to one, questions about it to another. */
  readonly url: () => string
  readonly progress: Progress
}

const pollMs = 250
const turnMs = 20
const doneWithinMs = 120_000
const timeoutMs = 20_000
const waitOnlineMs = 10_000

const ping = { kind: 'call', operation: 'ping' }
const shell = { kind: 'call', operation: 'shell', input: { argv: ['true'] } }
/** What only reads, what does not, both one after the other, and one that waits for hosts that are away. */
const bodyOf = (n: number) => {
  const pipeline = [ping, shell, { kind: 'sequence', steps: [ping, shell] }, shell][n % 4]
  return { on: 'simulated=true', pipeline, timeoutMs, ...(n % 4 === 3 ? { waitOnline: waitOnlineMs } : {}) }
}

const answersTo = async (api: Api, url: string, until: number): Promise<number> => {
  const { body } = await api.post(`${url}/v1/runs`, { on: 'simulated=true', pipeline: ping, waitOnline: doneWithinMs })
  const { id } = body as Run
  for (; ; await wait(pollMs)) {
    const { state, summary } = (await api.get(`${url}/v1/runs/${id}?targets=false`)).body as Run
    if (state === 'done' || performance.now() > until) return summary.ok
  }
}
/**
 * How many agents answer a run, once nothing disturbs them. What they believe of their sessions is not asked: a session
 * whose other end is gone is believed in for a while, and a call that was sent into it ends without an answer.
 */
export const askAll = async (api: Api, url: string, agents: number): Promise<number> => {
  for (const until = performance.now() + doneWithinMs; ; await wait(pollMs)) {
    const count = await answersTo(api, url, until)
    if (count >= agents || performance.now() > until) return count
  }
}

/** All runs, some at a time, each on all agents. */
export const startLoad = ({ plan, api, url, progress }: LoadDeps): Load => {
  const refused: string[] = []
  const ids: string[] = []
  let next = 0
  const untilDone = async (id: string): Promise<void> => {
    for (const from = performance.now(); performance.now() - from < doneWithinMs; await wait(pollMs)) {
      const { body } = await api.get(`${url()}/v1/runs/${id}?targets=false`)
      if ((body as Run).state === 'done') return
    }
  }
  const worker = async (): Promise<void> => {
    for (let n = next++; n < plan.runs; n = next++) {
      const due = Math.floor(((n - plan.runsAtOnce) * plan.blows) / plan.runs)
      while (progress.blows < due) await wait(turnMs)
      const answer = await api.post(`${url()}/v1/runs`, bodyOf(n))
      if (answer.status !== 201 && answer.status !== 202) {
        refused.push(`${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`)
        continue
      }
      const { id } = answer.body as Run
      ids.push(id)
      progress.posted += 1
      await untilDone(id)
      progress.done += 1
    }
  }
  const workers = Promise.all(Array.from({ length: plan.runsAtOnce }, worker))
  return {
    refused,
    finished: async () => {
      await workers
      return ids
    },
  }
}

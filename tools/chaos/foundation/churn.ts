import { setTimeout as wait } from 'node:timers/promises'
import type { System } from '@re-ops/protocols'
import type { Api } from './api.ts'

export type Churn = {
  creates(): number
  destroys(): number
  /** Systems with a verb under way now. */
  busy(): number
  refused(): readonly string[]
  /** Names that should exist in the end (created, never destroyed). */
  kept(): ReadonlySet<string>
  /** No new ones; resolves when every verb that was begun is accepted. */
  stop(): Promise<void>
}

const lifeMs = 3_000

/** Creates systems and destroys them, most before they are ready, at a steady rate. Every tenth one is kept. */
export const startChurn = (deps: { api: Api; coreUrl: string; everyMs: number; total: number }): Churn => {
  const { api, coreUrl, everyMs, total } = deps
  const refused: string[] = []
  const kept = new Set<string>()
  const begun = new Set<Promise<void>>()
  const busy = new Set<string>()
  let [creates, destroys, stopped] = [0, 0, false]

  const life = async (number: number) => {
    const name = `churn-${number}`
    busy.add(name)
    const made = await api.post(`${coreUrl}/v1/systems`, { name, provider: 'local', type: 'churn' })
    if (made.status !== 202) {
      refused.push(`create ${name}: ${made.status} ${JSON.stringify(made.body).slice(0, 200)}`)
      return
    }
    creates += 1
    if (number % 10 === 0) {
      kept.add(name)
      return
    }
    const { id } = (made.body as { systems: System[] }).systems[0] as System
    await wait((number % 3) * (lifeMs / 3))
    const gone = await api.delete(`${coreUrl}/v1/systems/${id}`)
    if (gone.status === 202) destroys += 1
    else refused.push(`destroy ${name}: ${gone.status} ${JSON.stringify(gone.body).slice(0, 200)}`)
  }
  const loop = async () => {
    for (let number = 1; number <= total && !stopped; number += 1) {
      const task = life(number)
        .catch((error: unknown) => {
          refused.push(String(error))
        })
        .finally(() => {
          busy.delete(`churn-${number}`)
          begun.delete(task)
        })
      begun.add(task)
      await wait(everyMs)
    }
  }
  const looping = loop()
  return {
    creates: () => creates,
    destroys: () => destroys,
    busy: () => busy.size,
    refused: () => refused,
    kept: () => kept,
    stop: async () => {
      stopped = true
      await looping
      await Promise.all(begun)
    },
  }
}

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
  /** Resolves when the next creates are accepted: their create calls are about to be made. Gives up after `withinMs`. */
  creating(withinMs: number): Promise<void>
  /** No more than the total; resolves when every verb that was begun is accepted. */
  stop(): Promise<void>
}

const lifeMs = 3_000
/** Created by one request, so that several create calls are under way at once. */
const burst = 5
/** What goes on after `total` were created keeps kills from hitting an idle service, and no more. */
const slower = 2

/** Creates systems and destroys them, most before they are ready, at a steady rate: at least `total`, and on until it is stopped. The first of every second burst is kept. */
export const startChurn = (deps: { api: Api; coreUrl: string; everyMs: number; total: number }): Churn => {
  const { api, coreUrl, everyMs, total } = deps
  const refused: string[] = []
  const kept = new Set<string>()
  const begun = new Set<Promise<void>>()
  const busy = new Set<string>()
  let [creates, destroys, stopped] = [0, 0, false]
  let accepted = Promise.withResolvers<void>()

  const destroy = async ({ id, name }: System, afterMs: number) => {
    busy.add(name)
    await wait(afterMs)
    const gone = await api.delete(`${coreUrl}/v1/systems/${id}`)
    if (gone.status === 202) destroys += 1
    else refused.push(`destroy ${name}: ${gone.status} ${JSON.stringify(gone.body).slice(0, 200)}`)
    busy.delete(name)
  }
  const life = async (number: number) => {
    const name = `churn-${number}`
    const made = await api.post(`${coreUrl}/v1/systems`, { name, count: burst, provider: 'local', type: 'churn' })
    if (made.status !== 202) {
      refused.push(`create ${name}: ${made.status} ${JSON.stringify(made.body).slice(0, 200)}`)
      return
    }
    accepted.resolve()
    accepted = Promise.withResolvers<void>()
    const { systems } = made.body as { systems: System[] }
    creates += systems.length
    const [first, ...rest] = systems as [System, ...System[]]
    if (number % 2 === 0) kept.add(first.name)
    const doomed = number % 2 === 0 ? rest : systems
    await Promise.all(doomed.map((system, n) => destroy(system, (n % 3) * (lifeMs / 3))))
  }
  const loop = async () => {
    for (let number = 1; number * burst <= total || !stopped; number += 1) {
      const task = life(number)
        .catch((error: unknown) => {
          refused.push(String(error))
        })
        .finally(() => {
          busy.delete(`churn-${number}`)
          begun.delete(task)
        })
      busy.add(`churn-${number}`)
      begun.add(task)
      await wait(everyMs * burst * (number * burst < total ? 1 : slower))
    }
  }
  const looping = loop()
  return {
    creates: () => creates,
    destroys: () => destroys,
    busy: () => busy.size,
    refused: () => refused,
    kept: () => kept,
    creating: withinMs => Promise.race([accepted.promise, wait(withinMs)]),
    stop: async () => {
      stopped = true
      await looping
      await Promise.all(begun)
    },
  }
}

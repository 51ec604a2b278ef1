import { setTimeout as wait } from 'node:timers/promises'
import type { Run, System } from '@re-ops/protocols'
import type { Api } from './api.ts'
import type { Awake } from './awake.ts'

const pollMs = 500
const atOnceMax = 16

export type Settled = {
  readonly settled: boolean
  readonly afterMs: number
  readonly runs: readonly Run[]
  readonly systems: readonly System[]
}

/** Every run and system as the services tell it, once nothing moves any more or the time is up. */
export const settle = async (deps: {
  api: Api
  moteUrl: string
  coreUrl: string
  ids: readonly string[]
  withinMs: number
  awake: Awake
}): Promise<Settled> => {
  const { api, moteUrl, coreUrl, ids, withinMs, awake } = deps
  const from = awake.now()
  const runs = new Map<string, Run>()
  const isOpen = (id: string) => runs.get(id)?.state !== 'done'
  const look = async (id: string) => void runs.set(id, (await api.get(`${moteUrl}/v1/runs/${id}`)).body as Run)
  for (;;) {
    const left = ids.filter(isOpen)
    while (left.length > 0) await Promise.all(left.splice(0, atOnceMax).map(look))
    const systems = (await api.get(`${coreUrl}/v1/systems`)).body as System[]
    const moving = systems.filter(system => system.phase !== (system.desired === 'absent' ? 'gone' : 'ready'))
    const settled = !ids.some(isOpen) && moving.length === 0
    const afterMs = awake.now() - from
    if (settled || afterMs > withinMs) return { settled, afterMs, runs: [...runs.values()], systems }
    await wait(pollMs)
  }
}

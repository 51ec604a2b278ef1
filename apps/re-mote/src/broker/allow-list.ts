import { brokerLimits } from './limits.ts'
import type { AllowEntry } from './port.ts'

/** Which keys may shake hands, as the service last said, and how old that word is. */
export type AllowList = {
  byKey(key: string): AllowEntry | undefined
  byAgent(agent: string): AllowEntry | undefined
  /** Older than the limit: nobody new gets in, because a revocation may have been missed. */
  isStale(): boolean
  /** Returns the agents that may no longer hold a session. */
  update(entries: readonly AllowEntry[], full: boolean, ageMs: number): string[]
}

export const makeAllowList = (now: () => number = () => performance.now()): AllowList => {
  const keys = new Map<string, AllowEntry>()
  const agents = new Map<string, AllowEntry>()
  let freshAt = Number.NEGATIVE_INFINITY
  return {
    byKey: key => keys.get(key),
    byAgent: agent => agents.get(agent),
    isStale: () => now() - freshAt > brokerLimits.allowListAgeMaxMs,
    update: (entries, full, ageMs) => {
      const before = full ? [...agents.keys()] : []
      if (full) {
        keys.clear()
        agents.clear()
      }
      for (const entry of entries) {
        keys.set(entry.key, entry)
        agents.set(entry.agent, entry)
      }
      freshAt = Math.max(freshAt, now() - ageMs)
      const touched = full ? before : entries.map(entry => entry.agent)
      return touched.filter(agent => agents.get(agent)?.state !== 'enrolled')
    },
  }
}

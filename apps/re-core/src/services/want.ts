import type { Verb } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { Changes } from '../store/systems.ts'

/** Where a system that failed or was lost takes up its life again when a person asks. */
const resumed = (row: SystemRow): Changes =>
  row.phase === 'failed' || row.phase === 'lost'
    ? { phase: row.ref !== null ? 'booting' : row.sentAt !== null ? 'requested' : 'planned' }
    : {}

/** What a verb writes into the row: what is wanted, and nothing about how to get there. */
export const want = (row: SystemRow, verb: Exclude<Verb, 'create'>, now: number): Changes => {
  const asked: Changes = { nextAt: now, reason: null, attempt: 0, restarts: 0, downAt: null, missingAt: null }
  switch (verb) {
    case 'start':
      return { ...asked, ...resumed(row), desired: 'running' }
    case 'stop':
      return { ...asked, ...resumed(row), desired: 'stopped' }
    case 'protect':
    case 'unprotect':
      return { nextAt: now, attempt: 0, protected: verb === 'protect' }
    case 'reload':
      return { ...asked, desired: 'running', wantGeneration: row.generation + 1 }
    case 'destroy':
      return { ...asked, desired: 'absent' }
  }
}

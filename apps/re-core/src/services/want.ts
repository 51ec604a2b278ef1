import type { Verb, VerbInput } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { Changes } from '../store/systems.ts'

/** Where a system that failed or was lost takes up its life again when a person asks. */
const resumed = (row: SystemRow): Changes =>
  row.phase === 'failed' || row.phase === 'lost'
    ? { phase: row.ref !== null ? 'booting' : row.sentAt !== null ? 'requested' : 'planned' }
    : {}

/** From when on the guest is not asked any more. */
export const forceAtOf = ({ force, forceAfterSeconds }: VerbInput, now: number): number | null => {
  if (force === true) return now
  return forceAfterSeconds === undefined ? null : now + forceAfterSeconds * 1_000
}

/** What a verb writes into the row: what is wanted, and nothing about how to get there. */
export const want = (row: SystemRow, verb: Exclude<Verb, 'create'>, now: number, input: VerbInput = {}): Changes => {
  const soon: Changes = { nextAt: now, attempt: 0, verdict: null }
  const halting: Changes = { forceAt: forceAtOf(input, now), stopSentAt: null }
  const undone: Changes = { op: null, wantSize: null, opRef: null }
  const asked: Changes = { ...soon, ...halting, reason: null, restarts: 0, downAt: null, missingAt: null }
  switch (verb) {
    case 'start':
      return { ...asked, ...resumed(row), desired: 'running' }
    case 'stop':
      return { ...asked, ...resumed(row), desired: 'stopped' }
    case 'reboot':
      return { ...asked, ...resumed(row) }
    case 'resize':
      return { ...asked, ...resumed(row), wantSize: input.size ?? row.size }
    case 'rename':
      return { ...soon, name: input.name ?? row.name, nameThere: row.nameThere ?? row.name }
    case 'label':
      return { ...soon, labels: input.labels ?? row.labels, labelsThere: row.labelsThere ?? row.labels }
    case 'snapshot':
      return soon
    case 'protect':
    case 'unprotect':
      return { ...soon, protected: verb === 'protect' }
    case 'reload':
      return { ...asked, ...undone, desired: 'running', wantGeneration: row.generation + 1 }
    case 'destroy':
      return { ...asked, ...undone, desired: 'absent', keepVolumes: input.keepVolumes ?? false }
  }
}

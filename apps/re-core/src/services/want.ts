import type { ChangePolicy, Verb, VerbInput } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { Changes } from '../store/systems.ts'

/** Where a system that failed or was lost takes up its life again when a person asks. */
const resumed = (row: SystemRow): Changes =>
  row.phase === 'failed' || row.phase === 'lost'
    ? { phase: row.ref !== null ? 'booting' : row.sentAt !== null ? 'requested' : 'planned' }
    : {}

/** Somebody powered it on though it was wanted stopped, and it was left so. */
const poweredOn = ({ phase, observed }: SystemRow): Changes =>
  phase === 'stopped' && observed === 'running' ? { phase: 'stopping' } : {}

const policyOf = ({ managed, fixes, onLost }: ChangePolicy): Changes => ({
  ...(managed === undefined ? {} : { managed }),
  ...(fixes === undefined ? {} : { fixes }),
  ...(onLost === undefined ? {} : { onLost }),
})

/** A machine that is only observed is told nothing. */
const told = <T>({ managed }: SystemRow, full: T, observed: T | null): T | null =>
  managed === 'full' ? full : observed

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
      return { ...asked, ...resumed(row), ...poweredOn(row), desired: 'stopped' }
    case 'reboot':
      return { ...asked, ...resumed(row) }
    case 'resize':
      return { ...asked, ...resumed(row), wantSize: input.size ?? row.size }
    case 'rename':
      return { ...soon, name: input.name ?? row.name, nameThere: told(row, row.nameThere ?? row.name, row.nameThere) }
    case 'label':
      return {
        ...soon,
        labels: input.labels ?? row.labels,
        labelsThere: told(row, row.labelsThere ?? row.labels, row.labelsThere),
      }
    case 'snapshot':
    case 'attach':
    case 'detach':
      return soon
    case 'protect':
    case 'unprotect':
      // Told also when it was told before: somebody may have changed it there.
      return { ...soon, protected: verb === 'protect', protectedThere: verb === 'unprotect' }
    case 'policy':
      return { ...soon, ...policyOf(input.policy ?? {}) }
    case 'import':
      return soon
    case 'forget':
      return { ...asked, ...undone, desired: 'absent', managed: 'observe', keepVolumes: true }
    case 'reload':
      return { ...asked, ...undone, desired: 'running', wantGeneration: row.generation + 1 }
    case 'destroy':
      return { ...asked, ...undone, desired: 'absent', keepVolumes: input.keepVolumes ?? false }
  }
}

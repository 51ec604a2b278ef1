import { ProviderError } from '@re-ops/protocols'
import type { OpRow } from '../store/row.ts'
import type { OpEnd } from '../store/ops.ts'
import type { Attempt, Deps, Outcome } from './attempt.ts'
import type { Progress } from './decide.ts'
import { isHopeless } from './effects-change.ts'
import { lookAtVolume, moveVolume } from './effects-volume.ts'
import { lookAtSnapshot, makeSnapshot, snapshotOver } from './effects-snapshot.ts'

const opOf = ({ seen }: Attempt): OpRow => {
  if (seen.op === undefined || seen.op === null) throw new Error('decided about an op that was not looked at')
  return seen.op
}
const go = ({ row, pending }: Attempt, seen: Attempt['seen'] | object): Outcome => ({ kind: 'go', row, pending, seen })

/** Looks at the one-shot verb: as it is written down, in the provider's history, or how far the provider is. */
export const lookAtOp = async (deps: Deps, attempt: Attempt, at: 'op' | 'history' | 'progress'): Promise<Outcome> => {
  const { row, provider, signal } = attempt
  if (at === 'op') return go(attempt, { op: await deps.store.op(row) })
  if (at === 'history') return history(deps, attempt)
  if (row.op === null) return go(attempt, { progress: await provider.pollOp(row.opRef ?? '', signal) })
  const op = opOf(attempt)
  return go(attempt, { progress: await progressOf(deps, attempt, op) })
}

const progressOf = (deps: Deps, attempt: Attempt, op: OpRow): Promise<Progress> => {
  if (op.kind === 'snapshot') return lookAtSnapshot(deps, attempt, op)
  if (op.kind === 'reboot') return attempt.provider.pollOp(op.opRef ?? '', attempt.signal)
  return lookAtVolume(attempt, op)
}

const ask = (deps: Deps, attempt: Attempt, op: OpRow, since: number): Promise<{ readonly opRef?: string }> => {
  const { row, provider, signal } = attempt
  if (op.kind === 'snapshot') return makeSnapshot(deps, attempt, op)
  if (op.kind !== 'reboot') return moveVolume(deps, attempt, op)
  return provider.act(row.ref ?? '', { kind: 'reboot', force: op.force }, { id: op.id, since: new Date(since) }, signal)
}

const history = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row, provider, signal } = attempt
  const op = opOf(attempt)
  const since = new Date(op.sentAt ?? op.createdAt)
  const found = await provider.findOp(row.ref ?? '', 'reboot', { id: op.id, since }, signal)
  if (found === 'none' || found === 'cannot-tell') return go(attempt, { history: found })
  const known = await deps.store.writeOp(row, op, { acceptedAt: deps.now(), opRef: found.opRef })
  return known === null ? { kind: 'fenced' } : go(attempt, { op: known })
}

/** `sent_at` is committed first. A refusal that certainly did nothing takes it back. */
export const sendOp = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row, seen } = attempt
  const op = opOf(attempt)
  const sentAt = op.sentAt ?? deps.now()
  const sent = await deps.store.writeOp(row, op, { sentAt, before: op.before ?? seen.host?.boot ?? null })
  if (sent === null) return { kind: 'fenced' }
  await deps.at?.('op.sent', row.id)
  try {
    const { opRef = null } = await ask(deps, attempt, op, sentAt)
    await deps.at?.('op.answered', row.id)
    const known = await deps.store.writeOp(row, sent, { acceptedAt: deps.now(), opRef })
    return known === null ? { kind: 'fenced' } : go(attempt, { op: known })
  } catch (error) {
    if (isHopeless(error)) return endOp(deps, { ...attempt, seen: { ...seen, op: sent } }, failed(error))
    if (error instanceof ProviderError && error.outcome === 'not-applied')
      await deps.store.writeOp(row, sent, { sentAt: op.sentAt })
    throw error
  }
}
const failed = (error: ProviderError): OpEnd => ({ state: 'failed', error: error.message })

/** It certainly was not done. */
export const unsendOp = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row } = attempt
  deps.log.info({ system: row.id, op: row.op }, 'a verb that was sent was not done; it is sent again')
  const op = await deps.store.writeOp(row, opOf(attempt), { sentAt: null })
  return op === null ? { kind: 'fenced' } : go(attempt, { op })
}

/** Its end, and what follows for the system: after a reboot its agent has to be there again. */
export const endOp = async (deps: Deps, attempt: Attempt, end: OpEnd): Promise<Outcome> => {
  const { row, seen, pending } = attempt
  const { state } = end
  const op = seen.op ?? null
  const boots = op?.kind === 'reboot' && state === 'done' && row.readiness === 'agent'
  const at = boots ? Math.max(row.phaseAt, op?.sentAt ?? 0) : deps.now()
  const changes = {
    ...pending,
    op: null,
    attempt: 0,
    ...(boots ? { phase: 'booting' as const, reason: null } : {}),
    ...(state === 'done' ? {} : { verdict: { state, why: end.error ?? state } as const }),
  }
  if (op?.kind === 'snapshot') await snapshotOver(deps, op, end)
  const written =
    op === null ? await deps.store.write(row, changes, at) : await deps.store.endOp(row, op, end, changes, at)
  return written === null ? { kind: 'fenced' } : { kind: 'go', row: written, seen: { op: null } }
}

import type { Id } from '@re-ops/protocols'
import type { Journal } from './journal.ts'
import { killLeftovers } from './leftovers.ts'
import type { Log } from './log.ts'
import type { Ring } from './ring.ts'

export type RecoverDeps = {
  readonly journal: Journal
  readonly ring: Ring
  readonly log: Log
  readonly boot: Id
  /** Operations that start no process: nothing of theirs can be left. */
  readonly isNative: (op: string) => boolean
}

/**
 * After a start: what the last life of the agent began and did not end is killed, and reported as lost. A result that
 * reached the ring is the truth, whatever the journal's last line says.
 */
export const recoverCalls = async ({ journal, ring, log, boot, isNative }: RecoverDeps): Promise<void> => {
  const unsettled = journal.unsettled()
  for (const [id, { state }] of unsettled) {
    const result = state === 'open' ? ring.get(id)?.result : undefined // died between the result and its line
    if (result) journal.append({ t: 'end', id, state: result.ok ? 'ok' : result.failure.kind })
  }
  journal.append({ t: 'boot', boot, at: Date.now() })
  const lost = unsettled.filter(([id]) => !ring.has(id))
  if (lost.length === 0) return
  const spawning = lost.filter(([, { op }]) => !isNative(op))
  const killed = await killLeftovers(new Map(spawning.map(([id, call]) => [id, call.spawned])))
  for (const [id, { op, spawned }] of lost) {
    const started = spawned ? ('yes' as const) : ('unknown' as const)
    const message = 'the agent died after the call was started'
    const failure = { kind: 'lost' as const, message, step: op, callId: id, transport: 'zmq' as const, started }
    await ring.put({ id, ms: 0, result: { ok: false, failure } }, 0, false)
    journal.append({ t: 'lost', id })
  }
  log.warn('calls of the last life are lost', { lost: lost.length, killed })
}

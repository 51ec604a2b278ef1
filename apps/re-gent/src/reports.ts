import type { Id } from '@re-ops/protocols'
import type { Journal } from './journal.ts'
import type { Outbox } from './outbox.ts'
import type { Ring } from './ring.ts'

export type ReportsDeps = {
  readonly journal: Journal
  readonly ring: Ring
  readonly outbox: Outbox
  /** Of a call that has not ended. */
  liveState(id: Id): 'waiting' | 'running' | undefined
}
/** What the broker hears of calls it asks about, and what becomes of those it has committed. */
export type Reports = {
  /** Tells what became of them; `again`: and sends their results that are here once more. */
  report(ids: readonly Id[], again?: boolean): Promise<void>
  /** Their results are committed elsewhere: they need not be kept. */
  settle(ids: readonly Id[]): void
}

export const makeReports = ({ journal, ring, outbox, liveState }: ReportsDeps): Reports => {
  const stateOf = (id: Id): 'waiting' | 'running' | 'finished' | 'lost' | 'unknown' => {
    const state = liveState(id)
    if (state !== undefined) return state
    if (ring.has(id)) {
      const result = ring.get(id)?.result
      return result && !result.ok && result.failure.kind === 'lost' ? 'lost' : 'finished'
    }
    return (journal.of(id)?.state ?? 'void') === 'void' ? 'unknown' : 'finished'
  }
  const voidIds = async (ids: readonly Id[]): Promise<void> => {
    if (ids.length === 0) return
    for (const id of ids) journal.append({ t: 'void', id })
    await journal.synced()
  }
  return {
    report: async (ids, again = false) => {
      const calls = ids.map(id => ({ id, state: stateOf(id) }))
      // Unknown ids are void, durably, before the broker hears of it: it may then start them elsewhere.
      await voidIds(calls.flatMap(({ id, state }) => (state === 'unknown' && !journal.of(id) ? [id] : [])))
      outbox.control({ kind: 'call.report', body: { calls } })
      if (again) for (const { id } of calls) if (ring.has(id)) outbox.result(id)
    },
    settle: ids => {
      for (const id of ids) {
        if (!ring.has(id)) continue
        journal.appendLazily({ t: 'settled', id }) // forgotten by a death, it is only settled again
        ring.drop(id)
      }
    },
  }
}

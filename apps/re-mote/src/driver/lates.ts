import { newId } from '@re-ops/protocols'
import { makeBatcher } from '../services/batcher.ts'
import { commitLate, type Late } from '../store/calls.ts'
import type { DriverDeps } from './deps.ts'
import { driverLimits } from './limits.ts'
import type { Settle } from './settle.ts'

export type Lates = {
  put(late: Late): void
  /** The result that came for a call before this process had taken the call up. */
  take(id: string): Late | undefined
  readonly length: number
  drained(): Promise<void>
}

type Waiting = Late & { readonly text: string }
const lateText = ({ ms, result }: Late) => JSON.stringify({ at: new Date().toISOString(), ms, result })

/**
 * Results for calls that are not under way here. Most are of calls that ended: stored beside if they differ, and settled. One whose call is still
 * open in Postgres belongs to a run of another service, which is told, or to one that is about to be taken up; it is kept for then. It is not settled here.
 */
export const makeLates = (
  { log, pool, onUnclaimed, forward }: Pick<DriverDeps, 'log' | 'pool' | 'onUnclaimed' | 'forward'>,
  settle: Settle,
): Lates => {
  const early = new Map<string, Late>()
  let chars = 0
  const done = (batch: readonly Waiting[]) => {
    for (const one of batch) chars -= one.text.length
  }
  const batcher = makeBatcher<Waiting>({
    name: 'late results',
    log,
    itemsMax: driverLimits.batchItemsMax,
    newBatchId: newId,
    flush: async batch => {
      const open = await commitLate(pool, batch)
      return () => {
        done(batch)
        for (const one of batch)
          if (open.has(one.id) && !forward(open.get(one.id) ?? null, one) && early.size < driverLimits.earlyResultsMax)
            early.set(one.id, one)
        settle(batch.filter(one => !open.has(one.id)))
      }
    },
    onRefused: one => {
      done([one])
      settle([one])
    },
  })
  return {
    put: late => {
      const text = lateText(late)
      if (chars + text.length > driverLimits.lateCharsMax) return onUnclaimed('overflow')
      onUnclaimed('late')
      chars += text.length
      batcher.put({ ...late, text })
    },
    take: id => {
      const late = early.get(id)
      early.delete(id)
      return late
    },
    get length() {
      return batcher.length
    },
    drained: batcher.drained,
  }
}

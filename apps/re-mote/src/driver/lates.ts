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

/**
 * Results for calls that are not under way here. Most are of calls that ended: stored beside if they differ, and settled. One whose call is still
 * open in Postgres belongs to a run that is about to be taken up; it is kept for then, and not settled.
 */
export const makeLates = ({ log, pool }: DriverDeps, settle: Settle): Lates => {
  const early = new Map<string, Late>()
  const batcher = makeBatcher<Late>({
    name: 'late results',
    log,
    itemsMax: driverLimits.batchItemsMax,
    newBatchId: newId,
    flush: async batch => {
      const open = await commitLate(pool, batch)
      return () => {
        for (const one of batch)
          if (open.has(one.id) && early.size < driverLimits.earlyResultsMax) early.set(one.id, one)
        settle(batch.filter(one => !open.has(one.id)))
      }
    },
    onRefused: one => settle([one]),
  })
  return {
    put: batcher.put,
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

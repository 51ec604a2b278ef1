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
  /** Looks once more for whose those are that nobody was there for. */
  again(): void
  readonly length: number
  drained(): Promise<void>
}

export type LatesDeps = Pick<DriverDeps, 'log' | 'pool' | 'onUnclaimed' | 'forward'> & {
  /** Ends the call with it, if it is under way here; else answers false. */
  claim(late: Late): boolean
}

type Waiting = Late & { readonly text: string }
const lateText = ({ ms, result }: Late) => JSON.stringify({ at: new Date().toISOString(), ms, result })

/**
 * Results for calls that are not under way here. Most are of calls that ended: stored beside if they differ, and settled. One whose call is still
 * open in Postgres is under way here by now; or belongs to a run of another service, which is told; or that service is not known here (yet, or any more),
 * and it is kept until the run is taken up, or somebody is there. It is not settled here.
 */
export const makeLates = ({ log, pool, onUnclaimed, forward, claim }: LatesDeps, settle: Settle): Lates => {
  const early = new Map<string, Waiting>()
  let chars = 0
  const done = (batch: readonly Waiting[]) => {
    for (const one of batch) chars -= one.text.length
  }
  const place = (one: Waiting, owner: string | null) => {
    if (claim(one) || forward(owner, one) || early.size >= driverLimits.earlyResultsMax) return
    early.set(one.id, one)
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
        for (const one of batch) if (open.has(one.id)) place(one, open.get(one.id) ?? null)
        settle(batch.filter(one => !open.has(one.id)))
      }
    },
    onRefused: one => {
      done([one])
      settle([one])
    },
  })
  const put = (one: Waiting) => {
    chars += one.text.length
    batcher.put(one)
  }
  return {
    put: late => {
      const text = lateText(late)
      if (chars + text.length > driverLimits.lateCharsMax) return onUnclaimed('overflow')
      onUnclaimed('late')
      put({ ...late, text })
    },
    take: id => {
      const late = early.get(id)
      early.delete(id)
      return late
    },
    again: () => {
      const all = [...early.values()]
      early.clear()
      all.forEach(put)
    },
    get length() {
      return batcher.length
    },
    drained: batcher.drained,
  }
}

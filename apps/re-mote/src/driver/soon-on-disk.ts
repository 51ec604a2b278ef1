import { isConnectionLost, withRetry, type Log, type Pool } from '@re-ops/service'
import { commitAdvances, flushed, type Batch } from '../store/commit.ts'
import { driverLimits } from './limits.ts'
import type { Settle } from './settle.ts'

type Pairs = Parameters<Settle>[0]
type Waiting = { readonly batch: Batch; readonly pairs: Pairs; readonly connection: number }

export type SoonOnDisk = {
  /** Whether there is room to keep a batch of this size until it is on disk. */
  takes(bytes: number): boolean
  /** Commits; everybody sees it when this resolves. Agents are told (`pairs`) when it is on disk. Answers as `commitAdvances` does. */
  commit(batch: Batch, pairs: Pairs, bytes: number): Promise<Set<string>>
  /** Resolves when all of it is on disk. */
  drained(): Promise<void>
}
export type SoonOnDiskDeps = {
  readonly log: Log
  /** Of one connection that does not wait for the disk (`synchronous_commit=off`). */
  readonly lax: Pool
  /** Waits for the disk. */
  readonly pool: Pool
  readonly settle: Settle
  /** Default: as the limits say. */
  readonly flushDelayMs?: number
}

/**
 * Ends of calls whose results their agents keep until they are told otherwise: committed without waiting for the disk, which is asked for a moment
 * later and for all of them at once; only then are they settled. If Postgres dies in between, the batch is committed again from here; if this process
 * dies too, the agents tell their results again.
 */
export const makeSoonOnDisk = ({ log, lax, pool, settle, ...given }: SoonOnDiskDeps): SoonOnDisk => {
  const { unflushedBytesMax, flushDelayMs, recommitForMs } = { ...driverLimits, ...given }
  let waiting: Waiting[] = []
  let bytes = 0
  let timer: NodeJS.Timeout | undefined
  let flushing: Promise<void> = Promise.resolve()
  // What was committed over a connection is on disk when that same connection says so: no Postgres died meanwhile.
  let connection = 0
  lax.on('connect', () => (connection += 1))

  const isFlushed = async (): Promise<boolean> => {
    try {
      await flushed(lax)
      return true
    } catch (error) {
      if (!isConnectionLost(error)) log.error({ err: error }, 'Postgres could not be asked for the disk')
      return false
    }
  }
  const commitAgain = async ({ batch, pairs }: Waiting) => {
    try {
      await withRetry(() => commitAdvances(pool, { ...batch, again: true }), { forMs: recommitForMs })
      settle(pairs)
    } catch (error) {
      log.error({ err: error, results: pairs.length }, 'results are not on disk; their agents tell them again')
    }
  }
  const flush = async () => {
    const taken = waiting
    waiting = []
    bytes = 0
    const all = await isFlushed()
    const safe = taken.filter(one => all && one.connection === connection)
    settle(safe.flatMap(one => one.pairs))
    for (const one of taken) if (!safe.includes(one)) await commitAgain(one)
  }
  const flushNow = () => {
    clearTimeout(timer)
    timer = undefined
    flushing = flushing.then(flush)
  }
  return {
    takes: more => bytes + more <= unflushedBytesMax,
    commit: async (batch, pairs, size) => {
      const ended = await commitAdvances(lax, batch)
      waiting.push({ batch, pairs, connection })
      bytes += size
      timer ??= setTimeout(flushNow, flushDelayMs)
      return ended
    },
    drained: () => {
      if (timer) flushNow()
      return flushing
    },
  }
}

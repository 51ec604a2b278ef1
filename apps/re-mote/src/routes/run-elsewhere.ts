import { setTimeout as wait } from 'node:timers/promises'
import type { RunSummary } from '@re-ops/protocols'
import { findRun, listEnded, summaryOf } from '../store/runs.ts'
import type { RouteDeps } from './deps.ts'

const everyMs = 500

export type Watcher = {
  /** All hosts that have ended, those told before included. */
  ended(hosts: readonly string[]): Promise<void>
  done(summary: RunSummary): void
  readonly closed: AbortSignal
}

/** Tells of a run that another service drives, from Postgres, for as long as one does: what is driven here is told by the hub. */
export const watchElsewhere = async (
  { pool, driver }: Pick<RouteDeps, 'pool' | 'driver'>,
  run: string,
  { ended, done, closed }: Watcher,
): Promise<void> => {
  for (;;) {
    await wait(everyMs, undefined, { signal: closed }).catch(() => undefined)
    if (closed.aborted) return
    if (driver.get(run)) continue
    const row = await findRun(pool, run)
    await ended(await listEnded(pool, run))
    if (row?.state !== 'running') return row ? done(summaryOf(row)) : undefined
  }
}

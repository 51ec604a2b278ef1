import type { PoolClient } from 'pg'
import { cancelJob, insertJob, jobInFlight } from '../store/jobs.ts'
import { endedLeases, noteLease, warnOfLeases } from '../store/leases.ts'
import { addNotice } from '../store/notices.ts'
import type { SystemRow } from '../store/row.ts'
import { claimSystem, writeSystem } from '../store/systems.ts'
import { want } from '../services/want.ts'
import type { OpenPlace } from './places.ts'
import type { Queue } from './queue.ts'
import { survey, type SurveyDeps } from './survey.ts'

export type LeaseDeps = SurveyDeps & {
  readonly transaction: <T>(fn: (tx: PoolClient) => Promise<T>) => Promise<T>
  readonly queue: Pick<Queue, 'wake'>
  readonly now: () => number
}

const at = (row: SystemRow): string => new Date(row.leaseExpiresAt ?? 0).toISOString()
const what = (row: SystemRow) => ({ place: row, system: row.id, ref: row.ref })

/** Says of leases that end soon. */
export const warnOfEnds = async ({ sql, log }: LeaseDeps): Promise<void> => {
  for (const row of await warnOfLeases(sql)) {
    const text = `the lease of ${row.name} ends at ${at(row)}: ${row.leaseOnEnd}; reops leases renew ${row.name}`
    log.warn({ system: row.id }, text)
    await addNotice(sql, { kind: 'lease-soon', ...what(row), text })
  }
}

/**
 * Does what a person who asks for it would do, unless the lease was renewed since it was read: whichever of the two has
 * the row first wins, and the other sees it.
 */
const endOne = (deps: LeaseDeps, seen: SystemRow): Promise<void> =>
  deps.transaction(async tx => {
    const row = await claimSystem(tx, seen.id)
    if (row === null || row.leaseExpiresAt !== seen.leaseExpiresAt || row.protected || row.desired === 'absent') return
    const verb = row.leaseOnEnd
    const running = await jobInFlight(tx, row.id)
    // What is under way may end; a stop comes after it.
    if (running !== null && (verb === 'stop' || running.verb === verb)) return
    const now = deps.now()
    if (running !== null) await cancelJob(tx, running.id, 'superseded by the end of its lease', now)
    await writeSystem(tx, row, want(row, verb, now), { at: now, fenced: true })
    await insertJob(tx, row, verb, now)
    await deps.queue.wake(tx, row.id)
    const text = `the lease of ${row.name} (${row.leaseBy ?? 'nobody'}) ended at ${at(row)}: ${verb}`
    deps.log.warn({ system: row.id }, text)
    await addNotice(tx, { kind: 'lease-ended', ...what(row), text })
  })

const keep = async ({ sql, log }: LeaseDeps, row: SystemRow, note: 'kept' | 'frozen', why: string): Promise<void> => {
  if (!(await noteLease(sql, row, note))) return
  const text = `the lease of ${row.name} ended at ${at(row)}, but ${why}`
  log.warn({ system: row.id }, text)
  await addNotice(sql, { kind: 'lease-kept', ...what(row), text })
}

/**
 * Carries out the leases of a place that are over, also those that ended while nobody ran. It lists the place first:
 * a machine that was told of a later end than its row has been renewed by a re-core whose database is lost.
 */
export const endLeases = async (deps: LeaseDeps, one: OpenPlace, signal: AbortSignal): Promise<void> => {
  const ended = await endedLeases(deps.sql, one.place)
  if (ended.length === 0) return
  const { frozen } = await survey(deps, one, signal)
  for (const row of ended)
    if (frozen) await keep(deps, row, 'frozen', `account ${row.account} shows what is newer than our database`)
    else if (row.protected) await keep(deps, row, 'kept', 'it is protected')
    else if (row.managed === 'observe') await keep(deps, row, 'kept', 'it is only observed')
    else await endOne(deps, row)
}

import type { Job, Notice, System } from '@re-ops/protocols'
import type { Pool } from 'pg'
import { jobsById, listJobs } from '../store/jobs.ts'
import { noticesById } from '../store/notices.ts'
import { listSystems, systemsById } from '../store/systems.ts'
import { jobView, systemView } from './view.ts'

export type Change =
  | { readonly event: 'system'; readonly data: System }
  | { readonly event: 'job'; readonly data: Job }
  | { readonly event: 'notice'; readonly data: Notice }
type Listener = (change: Change) => void

/** Changes that come together are read together. */
const gatherMs = 5
const gapMax = 500

/**
 * Turns notifications ("system:<id>") into the rows as they are now and hands them to everyone who follows. What was
 * notified several times within moments is read and told once.
 */
export const makeChanges = (deps: { pool: Pool; onError: (error: Error) => void }) => {
  const listeners = new Set<Listener>()
  const waiting = { system: new Set<string>(), job: new Set<string>(), notice: new Set<string>() }
  let timer: NodeJS.Timeout | null = null

  const read = async (): Promise<void> => {
    const [systems, jobs, notices] = [[...waiting.system], [...waiting.job], [...waiting.notice]]
    for (const ids of Object.values(waiting)) ids.clear()
    const changes: Change[] = []
    if (systems.length > 0)
      for (const row of await systemsById(deps.pool, systems)) changes.push({ event: 'system', data: systemView(row) })
    if (jobs.length > 0)
      for (const row of await jobsById(deps.pool, jobs)) changes.push({ event: 'job', data: jobView(row) })
    if (notices.length > 0)
      for (const data of await noticesById(deps.pool, notices)) changes.push({ event: 'notice', data })
    for (const change of changes) for (const listener of listeners) listener(change)
  }
  return {
    /** A payload of channel `core_event`. */
    onNotify: (payload: string): void => {
      const [table, id] = payload.split(':')
      if (listeners.size === 0 || id === undefined || (table !== 'system' && table !== 'job' && table !== 'notice'))
        return
      waiting[table].add(id)
      timer ??= setTimeout(() => {
        timer = null
        read().catch(deps.onError)
      }, gatherMs)
    },
    /** What was said before was not heard: everything that is not over is told again. */
    onGap: (): void => {
      if (listeners.size === 0) return
      Promise.all([listSystems(deps.pool, false, gapMax), listJobs(deps.pool, null, gapMax)])
        .then(([systems, jobs]) => {
          for (const listener of listeners) {
            for (const row of systems) listener({ event: 'system', data: systemView(row) })
            for (const row of jobs) listener({ event: 'job', data: jobView(row) })
          }
        })
        .catch(deps.onError)
    },
    follow: (listener: Listener): (() => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    stop: (): void => {
      if (timer !== null) clearTimeout(timer)
      listeners.clear()
    },
  }
}
export type Changes = ReturnType<typeof makeChanges>

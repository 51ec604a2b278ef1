import { setTimeout as pause } from 'node:timers/promises'
import { isClientError, type Core } from '@re-ops/client'
import type { Job, System } from '@re-ops/protocols'
import { printJson, type Context } from '../context.ts'
import { Fault } from '../fault.ts'
import { byNumber } from '../render/nodeset.ts'
import { systemEndText, systemsProgress } from '../render/system.ts'
import { duration } from '../render/units.ts'

const pollMs = 2_000
const isOver = (job: Job) => job.finishedAt !== null

/**
 * Follows jobs to their end and prints each system's phases as it gets there. Events make it quick; every two seconds
 * the jobs are read as well, since an event is only a hint. Exit code 1 when one failed or the time is over. `silent`: only progress is shown.
 */
export const waitForJobs = async (
  context: Context,
  core: Core,
  what: { systems: readonly System[]; jobs: readonly Job[]; timeoutMs: number; json: boolean; silent?: true },
): Promise<number> => {
  const { terminal } = context
  const systems = new Map(what.systems.map(system => [system.id, system]))
  const jobs = new Map(what.jobs.map(job => [job.id, job]))
  const width = Math.max(0, ...what.systems.map(system => system.name.length))
  const stop = new AbortController()
  const told = new Set<string>()

  const tell = async (job: Job): Promise<void> => {
    if (told.has(job.id)) return
    told.add(job.id)
    const system = await readAgain(core, systems.get(job.system))
    if (system) systems.set(job.system, system)
    if (system && !what.json && what.silent !== true)
      terminal.out(`${system.name.padEnd(width)}  ${systemEndText(system, job, terminal.paint)}\n`)
    if (told.size === jobs.size) stop.abort()
  }
  const learn = async (job: Job): Promise<void> => {
    if (!jobs.has(job.id)) return
    jobs.set(job.id, job)
    if (isOver(job)) await tell(job)
    const phases = [...systems.values()].map(system => system.phase)
    terminal.progress(systemsProgress(phases, told.size))
  }
  const follow = async () => {
    for await (const event of core.events({ signal: stop.signal, reconnectForMs: Number.POSITIVE_INFINITY }))
      if (event.event === 'job') await learn(event.data)
      else if (systems.has(event.data.id)) systems.set(event.data.id, event.data)
  }
  const poll = async () => {
    for (;;) {
      const latest = await core.jobs({}, { signal: stop.signal })
      const listed = new Set(latest.map(job => job.id))
      for (const job of latest) await learn(job)
      const unseen = [...jobs.values()].filter(job => !isOver(job) && !listed.has(job.id))
      for (const job of unseen) await learn(await core.job(job.id, { signal: stop.signal }))
      await pause(pollMs, undefined, { signal: stop.signal })
    }
  }

  const release = context.interruptible(() => stop.abort(new Fault(1, 'stopped waiting; the jobs go on: `reops jobs`')))
  const deadline = setTimeout(
    () => stop.abort(new Fault(1, `not done after ${duration(what.timeoutMs)}; the jobs go on: \`reops jobs\``)),
    what.timeoutMs,
  )
  try {
    for (const job of what.jobs) await learn(job)
    if (told.size < jobs.size) await Promise.race([follow(), poll()]).catch(ignoreOwnStop(stop.signal))
  } finally {
    stop.abort()
    clearTimeout(deadline)
    release()
    terminal.progress('')
  }
  if (stop.signal.reason instanceof Fault) throw stop.signal.reason
  if (what.json && what.silent !== true)
    printJson(
      terminal,
      [...systems.values()].toSorted((a, b) => byNumber(a.name, b.name)),
    )
  return [...jobs.values()].every(job => job.state === 'done') ? 0 : 1
}

const ignoreOwnStop = (signal: AbortSignal) => (error: unknown) => {
  if (!signal.aborted) throw error
}

const readAgain = async (core: Core, system: System | undefined): Promise<System | undefined> => {
  if (!system) return undefined
  try {
    return await core.system(system.id)
  } catch (error) {
    if (isClientError(error, 'problem') && error.status === 404) return { ...system, phase: 'gone' }
    throw error
  }
}

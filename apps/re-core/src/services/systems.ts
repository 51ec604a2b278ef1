import type { CreateSystems, Estimate, Job, System, Verb } from '@re-ops/protocols'
import { HttpProblem, once } from '@re-ops/service'
import type { PoolClient } from 'pg'
import { newRow } from '../jobs/newRow.ts'
import { cancelJob, insertJob, jobInFlight, lastJob } from '../store/jobs.ts'
import type { JobRow, SystemRow } from '../store/row.ts'
import { databaseNow } from '../store/leases.ts'
import { claimSystem, insertSystem, listSystems, writeSystem } from '../store/systems.ts'
import { estimate } from './costs.ts'
import type { Asked, ServiceDeps } from './deps.ts'
import { findSystem } from './find.ts'
import { firstLease } from './leases.ts'
import { planSystems } from './plan.ts'
import { keepUserData } from './user-data.ts'
import { refuseAboveLimit } from './room.ts'
import { jobView, systemView } from './view.ts'
import { want } from './want.ts'

export type Created = { systems: System[]; jobs: Job[] }

const listMax = 10_000
const refuseTaken = async (tx: PoolClient, names: readonly string[]): Promise<void> => {
  const { rows } = await tx.query<{ name: string }>(
    `select name from core.system where name = any($1) and phase <> 'gone' order by name limit 5`,
    [names],
  )
  if (rows.length > 0)
    throw new HttpProblem(
      409,
      'name-taken',
      'A system has that name',
      `name ${rows.map(row => row.name).join(', ')} is taken by a system that is not gone; choose another`,
    )
}

const isNameTaken = (error: unknown): boolean => {
  const { code, constraint } = error as { code?: string; constraint?: string }
  return code === '23505' && constraint === 'system_name'
}

/** Rows, jobs and their wake-ups in one transaction; asked again with the same key it is the same answer. */
export const createSystems = async (deps: ServiceDeps, body: CreateSystems, asked: Asked): Promise<Created> => {
  const now = deps.now()
  const { systems: specs, userData } = await planSystems(deps, body, asked.scopes)
  try {
    return await deps.transaction(tx =>
      once(tx, { ...asked, schema: 'core', body }, async () => {
        await refuseTaken(
          tx,
          specs.map(spec => spec.name),
        )
        const made: Created = { systems: [], jobs: [] }
        const [{ account } = { account: '' }] = specs
        await refuseAboveLimit(tx, account, specs.length)
        const lease = firstLease(body.lease, asked.subject, await databaseNow(tx))
        for (const spec of specs) {
          const row = { ...newRow(spec, now), ...lease }
          await insertSystem(tx, row)
          if (userData !== null) await keepUserData(deps, tx, row.id, userData)
          const job = await insertJob(tx, row, 'create', now)
          await deps.queue.later(tx, row.id, 0)
          made.systems.push(systemView(row))
          made.jobs.push(jobView(job))
        }
        return made
      }),
    )
  } catch (error) {
    if (!isNameTaken(error)) throw error
    throw new HttpProblem(
      409,
      'name-taken',
      'A system has that name',
      `name ${body.name} was just taken; choose another`,
    )
  }
}

/** The same with what they will cost, which is asked for when their jobs are under way. */
export const createPriced = async (
  deps: ServiceDeps,
  body: CreateSystems,
  asked: Asked,
): Promise<Created & { cost: Estimate }> => {
  const made = await createSystems(deps, body, asked)
  return { ...made, cost: await estimate(deps, made.systems) }
}

export const getSystems = async (deps: ServiceDeps, withGone: boolean): Promise<System[]> =>
  (await listSystems(deps.pool, withGone, listMax)).map(systemView)

export const getSystem = async (deps: ServiceDeps, idOrName: string): Promise<System> =>
  systemView(await findSystem(deps.pool, idOrName))

type Asking = Exclude<Verb, 'create'>

const conflict = (kind: string, title: string, detail: string): HttpProblem => new HttpProblem(409, kind, title, detail)

const refuseIfProtected = (row: SystemRow, verb: Asking): void => {
  if (row.protected && (verb === 'destroy' || verb === 'reload'))
    throw conflict(
      'protected',
      'The system is protected',
      `${row.name} is protected: ${verb} would end its machine; unprotect it first`,
    )
}

/** The job that answers a verb while another is in flight: the same one is joined, destroy supersedes, others wait. */
const joined = async (tx: PoolClient, row: SystemRow, verb: Asking, now: number): Promise<JobRow | null> => {
  const running = await jobInFlight(tx, row.id)
  if (running === null) return null
  if (running.verb === verb) return running
  if (verb !== 'destroy')
    throw conflict(
      'busy',
      'Another job is in flight',
      `${running.verb} of ${row.name} is ${running.state} (job ${running.id}); wait for it, or destroy`,
    )
  await cancelJob(tx, running.id, 'superseded by destroy', now)
  return null
}

/**
 * Writes what is wanted and wakes the worker. The epoch goes up with it, so an attempt under way writes nothing more
 * into the row it read before (what its create call answers is still recorded).
 */
export const askSystem = async (deps: ServiceDeps, idOrName: string, verb: Asking, asked: Asked): Promise<Job> => {
  const now = deps.now()
  return deps.transaction(tx =>
    once(tx, { ...asked, schema: 'core', body: {} }, async () => {
      const found = await findSystem(tx, idOrName)
      const row = await claimSystem(tx, found.id)
      if (row === null) throw new HttpProblem(404, 'no-such-system', 'No such system', `${idOrName} was just forgotten`)
      if (row.phase === 'gone') {
        const ended = verb === 'destroy' ? await lastJob(tx, row.id, 'destroy') : null
        if (ended !== null) return jobView(ended)
        throw conflict('gone', 'The system is gone', `${row.name} was destroyed; create a new one`)
      }
      refuseIfProtected(row, verb)
      const running = await joined(tx, row, verb, now)
      if (running === null) await writeSystem(tx, row, want(row, verb, now), { at: now, fenced: true })
      const job = running ?? (await insertJob(tx, row, verb, now))
      await deps.queue.wake(tx, row.id)
      return jobView(job)
    }),
  )
}

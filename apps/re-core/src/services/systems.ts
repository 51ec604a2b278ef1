import type { CreateSystems, Estimate, Job, System } from '@re-ops/protocols'
import { HttpProblem, once } from '@re-ops/service'
import type { PoolClient } from 'pg'
import type { Message } from '../jobs/attempt.ts'
import { newRow } from '../jobs/newRow.ts'
import { insertJob } from '../store/jobs.ts'
import { insertSystem, listSystems } from '../store/systems.ts'
import { keepVolumeNames } from './beside.ts'
import { estimate } from './costs.ts'
import type { Asked, ServiceDeps } from './deps.ts'
import { findSystem } from './find.ts'
import { firstLease } from './leases.ts'
import { databaseNow } from '../store/leases.ts'
import { planSystems } from './plan.ts'
import { keepUserData } from './user-data.ts'
import { refuseAboveLimit, refuseAboveQuota } from './room.ts'
import { jobView, systemView } from './view.ts'

export type Created = { systems: System[]; jobs: Job[] }

const listMax = 10_000
/** Of one request; more are for all replicas to share. */
const begunMax = 4
export const refuseTaken = async (tx: PoolClient, names: readonly string[]): Promise<void> => {
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

export const isNameTaken = (error: unknown): boolean => {
  const { code, constraint } = error as { code?: string; constraint?: string }
  return code === '23505' && constraint === 'system_name'
}

/** Rows, jobs and their wake-ups in one transaction; asked again with the same key it is the same answer. */
export const createSystems = async (deps: ServiceDeps, body: CreateSystems, asked: Asked): Promise<Created> => {
  const now = deps.now()
  let held: (readonly [string, Message])[] = []
  const { systems: specs, userData, imageRef } = await planSystems(deps, body, asked.scopes)
  try {
    const created = await deps.transaction(tx =>
      once(tx, { ...asked, schema: 'core', body }, async () => {
        held = []
        await refuseTaken(
          tx,
          specs.map(spec => spec.name),
        )
        const made: Created = { systems: [], jobs: [] }
        const [{ account } = { account: '' }] = specs
        await refuseAboveLimit(tx, account, specs.length)
        await refuseAboveQuota(tx, asked.subject, specs.length)
        const lease = firstLease(body.lease, asked.subject, await databaseNow(tx))
        for (const spec of specs) {
          const row = { ...newRow({ ...spec, imageRef }, now), ...lease, ...body.policy, createdBy: asked.subject }
          await insertSystem(tx, row)
          await keepVolumeNames(tx, row)
          if (userData !== null) await keepUserData(deps, tx, row.id, userData)
          const job = await insertJob(tx, row, 'create', now)
          const message = specs.length > begunMax ? null : await deps.queue.hold(tx, row.id)
          if (message === null) await deps.queue.later(tx, row.id, 0)
          else held.push([row.id, message])
          made.systems.push(systemView(row))
          made.jobs.push(jobView(job))
        }
        return made
      }),
    )
    for (const one of held) deps.begin(...one)
    return created
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

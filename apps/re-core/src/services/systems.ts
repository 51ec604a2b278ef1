import type { CreateSystems, Estimate, Job, System } from '@re-ops/protocols'
import { HttpProblem, once } from '@re-ops/service'
import type { Message } from '../jobs/attempt.ts'
import { newRow } from '../jobs/newRow.ts'
import { newJob } from '../store/jobs.ts'
import type { SystemRow } from '../store/row.ts'
import { insertClaimed, insertSystem, listSystems } from '../store/systems.ts'
import { keepVolumeNames } from './beside.ts'
import { estimate } from './costs.ts'
import type { Asked, ServiceDeps } from './deps.ts'
import { findSystem } from './find.ts'
import { firstLease } from './leases.ts'
import { planSystems } from './plan.ts'
import { keepUserData } from './user-data.ts'
import { admit } from './room.ts'
import { jobView, systemView } from './view.ts'

export type Created = { systems: System[]; jobs: Job[] }

const listMax = 10_000
/** Of one request; more are for all replicas to share. */
const begunMax = 4

export const isNameTaken = (error: unknown): boolean => {
  const { code, constraint } = error as { code?: string; constraint?: string }
  return code === '23505' && constraint === 'system_name'
}

/** Rows, jobs and their wake-ups in one transaction; asked again with the same key it is the same answer. */
export const createSystems = async (deps: ServiceDeps, body: CreateSystems, asked: Asked): Promise<Created> => {
  const now = deps.now()
  let held: (readonly [SystemRow, Message])[] = []
  const planned = await planSystems(deps, body, asked.scopes)
  const { systems: specs, userData, imageRef, provider, named } = planned
  try {
    const created = await deps.transaction(tx =>
      once(tx, { ...asked, schema: 'core', body }, async () => {
        held = []
        const made: Created = { systems: [], jobs: [] }
        const [{ account, region } = { account: '', region: '' }] = specs
        const names = specs.map(spec => spec.name)
        const room = await admit(tx, { names, account, region, subject: asked.subject })
        const lease = firstLease(body.lease, asked.subject, room.now)
        const isBegun = specs.length <= begunMax && !room.isParked
        for (const spec of specs) {
          const plain = { ...newRow({ ...spec, imageRef }, now), ...lease, ...body.policy, createdBy: asked.subject }
          const job = newJob(plain, 'create', now)
          const making = { row: plain, provider, named, userData: userData?.text ?? null, scarce: room.scarce }
          const row = isBegun
            ? await insertClaimed(tx, { ...plain, ...deps.freezeNew(making) }, job)
            : await insertSystem(tx, plain, job)
          await keepVolumeNames(tx, row)
          if (userData !== null) await keepUserData(deps, tx, row.id, userData)
          const message = isBegun ? await deps.queue.hold(tx, row.id) : null
          if (message === null) await deps.queue.later(tx, row.id, 0)
          else held.push([row, message])
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

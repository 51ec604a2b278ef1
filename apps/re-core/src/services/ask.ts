import { canonical, newId, type Job, type Verb, type VerbInput } from '@re-ops/protocols'
import { HttpProblem, once } from '@re-ops/service'
import type { PoolClient } from 'pg'
import { cancelJob, insertJob, jobInFlight, lastJob } from '../store/jobs.ts'
import { endOp, insertOp } from '../store/ops.ts'
import type { JobRow, OpRow, SystemRow } from '../store/row.ts'
import { claimSystem, writeSystem } from '../store/systems.ts'
import type { Asked, ServiceDeps } from './deps.ts'
import { findSystem } from './find.ts'
import { isNameTaken } from './systems.ts'
import { jobView } from './view.ts'
import { conflict, makeCheck, type Check } from './verbs.ts'
import { forceAtOf, want } from './want.ts'

export type Asking = Exclude<Verb, 'create'>
/** What is asked of a system. `input` may follow from the row as it is when it is asked. */
export type What = {
  readonly verb: Asking
  readonly input?: VerbInput | ((row: SystemRow) => VerbInput)
  /** Under one Idempotency-Key it is the same request when this is the same; the input, unless it follows from the row. */
  readonly body?: object
}
/** A verb on its way: `asVerb` is what its job is called. */
type Doing = { readonly verb: Asking; readonly asVerb: Verb; readonly input: VerbInput }

const isSame = (job: JobRow, { asVerb, input }: Doing): boolean =>
  job.verb === asVerb && (asVerb === 'stop' || canonical(job.input) === canonical(input))

/** The job that answers a verb while another is in flight: the same one is joined, destroy supersedes, others wait. */
const joined = async (tx: PoolClient, row: SystemRow, doing: Doing, now: number): Promise<JobRow | null> => {
  const running = await jobInFlight(tx, row.id)
  if (running === null) return null
  if (isSame(running, doing)) {
    const forceAt = doing.verb === 'stop' ? forceAtOf(doing.input, now) : null
    if (forceAt !== null) await writeSystem(tx, row, { forceAt, nextAt: now }, { at: now, fenced: true })
    return running
  }
  if (doing.verb !== 'destroy' && !(doing.verb === 'forget' && running.verb === 'import'))
    throw conflict(
      'busy',
      'Another job is in flight',
      `${running.verb} of ${row.name} is ${running.state} (job ${running.id}); wait for it, or destroy`,
    )
  const why = `superseded by ${doing.verb}`
  await cancelJob(tx, running.id, why, now)
  if (row.op !== null) await endOp(tx, row.op, { state: 'cancelled', error: why }, now)
  return null
}

/** The one-shot verbs have a row of their own. */
const opFor = (row: SystemRow, { verb, input }: Doing, now: number): OpRow | null => {
  if (verb !== 'reboot' && verb !== 'snapshot' && verb !== 'attach' && verb !== 'detach') return null
  const { id: system, generation } = row
  const unsent = { sentAt: null, acceptedAt: null, opRef: null, before: null }
  const { snapshot = null, volume = null } = input
  return {
    id: newId(),
    system,
    kind: verb,
    generation,
    force: input.force ?? false,
    snapshot,
    volume,
    ...unsent,
    createdAt: now,
  }
}

const begin = async (tx: PoolClient, row: SystemRow, doing: Doing, now: number): Promise<JobRow> => {
  const op = opFor(row, doing, now)
  if (op !== null) await insertOp(tx, op)
  const changes = { ...want(row, doing.verb, now, doing.input), ...(op === null ? {} : { op: op.id }) }
  const written = await writeSystem(tx, row, changes, { at: now, fenced: true })
  return insertJob(tx, written ?? row, doing.asVerb, now, doing.input)
}

/** Writes what is wanted of a row that is claimed, and wakes the worker; within the caller's transaction. */
export const askRow = async (
  deps: Pick<ServiceDeps, 'queue' | 'now'>,
  tx: PoolClient,
  row: SystemRow,
  doing: Doing,
  check: Check,
): Promise<JobRow> => {
  const now = deps.now()
  const running = await joined(tx, row, doing, now)
  const input = running === null ? await check(tx, row, doing.verb, doing.input) : doing.input
  const job = running ?? (await begin(tx, row, { ...doing, input }, now))
  await deps.queue.wake(tx, row.id)
  return job
}

/** The row, locked; attempts that are under way write nothing into it any more. */
export const claimed = async (tx: PoolClient, id: string): Promise<SystemRow> => {
  const row = await claimSystem(tx, id)
  if (row === null) throw new HttpProblem(404, 'no-such-system', 'No such system', `${id} was just forgotten`)
  return row
}

const nameTaken = (error: unknown, name: string | undefined): unknown =>
  isNameTaken(error)
    ? conflict('name-taken', 'A system has that name', `name ${name ?? ''} was just taken; choose another`)
    : error

/**
 * Writes what is wanted and wakes the worker. The epoch goes up with it, so an attempt under way writes nothing more
 * into the row it read before (what its create call answers is still recorded).
 */
export const askSystem = async (deps: ServiceDeps, idOrName: string, what: What, asked: Asked): Promise<Job> => {
  const { verb, input = {} } = what
  const given = typeof input === 'function' ? {} : input
  const check = await makeCheck(deps, await findSystem(deps.pool, idOrName), verb, given.size)
  try {
    return await deps.transaction(tx =>
      once(tx, { ...asked, schema: 'core', body: what.body ?? given }, async () => {
        const row = await claimed(tx, (await findSystem(tx, idOrName)).id)
        if (row.phase === 'gone') {
          const ended = verb === 'destroy' ? await lastJob(tx, row.id, 'destroy') : null
          if (ended !== null) return jobView(ended)
          throw conflict('gone', 'The system is gone', `${row.name} was destroyed; create a new one`)
        }
        const doing = { verb, asVerb: verb, input: typeof input === 'function' ? input(row) : input }
        return jobView(await askRow(deps, tx, row, doing, check))
      }),
    )
  } catch (error) {
    throw nameTaken(error, given.name)
  }
}

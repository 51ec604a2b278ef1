import type { Job } from '@re-ops/protocols'
import { HttpProblem, once } from '@re-ops/service'
import type { PoolClient } from 'pg'
import { cancelJob as endJob, jobById } from '../store/jobs.ts'
import { endOp, opById } from '../store/ops.ts'
import type { JobRow, SystemRow } from '../store/row.ts'
import { writeSystem, type Changes } from '../store/systems.ts'
import { askRow, claimed } from './ask.ts'
import type { Asked, ServiceDeps } from './deps.ts'
import { findSystem } from './find.ts'
import { jobView } from './view.ts'
import { conflict, makeCheck } from './verbs.ts'
import { want } from './want.ts'

const noSuchJob = (id: string) =>
  new HttpProblem(404, 'no-such-job', 'No such job', `no job has the id ${id}; GET /v1/jobs lists them`)

const tooLate = ({ verb, name }: JobRow, why: string): HttpProblem =>
  conflict('too-late', 'It cannot be cancelled any more', `${verb} of ${name}: ${why}`)

const why = 'cancelled'

/** `isOver`: the job ends now; else it ends when the system has settled, with the verdict that is written. */
type Cancelling = { readonly changes: Changes; readonly isOver: boolean }

/** What cancelling a job makes of its system. Throws HttpProblem 409 where it cannot be undone. */
const cancelling = (row: SystemRow, job: JobRow, now: number): Cancelling => {
  switch (job.verb) {
    case 'create':
      // Never in between: it ends without a machine, unless it was ready before this.
      return {
        changes: { ...want(row, 'destroy', now), protected: false, verdict: { state: 'cancelled', why } },
        isOver: false,
      }
    case 'start':
      return { changes: want(row, 'stop', now), isOver: true }
    case 'stop':
      return { changes: want(row, 'start', now), isOver: true }
    case 'resize':
      if (row.wantSize === null || row.opRef !== null || row.phase === 'stopped')
        throw tooLate(job, 'its size is changed already; resize it back')
      return {
        changes: { wantSize: null, forceAt: null, nextAt: now, attempt: 0, verdict: { state: 'cancelled', why } },
        isOver: false,
      }
    case 'reload':
      if (row.wantGeneration === row.generation || row.phase === 'destroying')
        throw tooLate(job, 'its machine is destroyed already; the next one is on its way')
      return { changes: { wantGeneration: row.generation, nextAt: now, attempt: 0 }, isOver: true }
    case 'reboot':
    case 'snapshot':
    case 'attach':
    case 'detach':
      return { changes: { op: null, nextAt: now, attempt: 0 }, isOver: true }
    default:
      throw tooLate(job, job.verb === 'destroy' ? 'nothing undoes it' : 'ask for the opposite instead')
  }
}

/** A one-shot verb is undone only while it was certainly not sent. */
const endUnsentOp = async (tx: PoolClient, row: SystemRow, job: JobRow, now: number): Promise<void> => {
  if (row.op === null) return
  if ((await opById(tx, row.op))?.sentAt !== null) throw tooLate(job, 'it was sent to the provider already')
  await endOp(tx, row.op, { state: 'cancelled', error: why }, now)
}

/** Ends a job before its time. One that is over is answered as it ended. */
export const cancelJob = (deps: ServiceDeps, id: string, asked: Asked): Promise<Job> => {
  const now = deps.now()
  return deps.transaction(tx =>
    once(tx, { ...asked, schema: 'core', body: {} }, async () => {
      const found = await jobById(tx, id)
      if (found === null) throw noSuchJob(id)
      if (found.finishedAt !== null) return jobView(found)
      const row = await claimed(tx, found.system)
      // It may have ended while we waited for the row.
      const job = (await jobById(tx, id)) ?? found
      if (job.finishedAt !== null) return jobView(job)
      const { changes, isOver } = cancelling(row, job, now)
      await endUnsentOp(tx, row, job, now)
      await writeSystem(tx, row, changes, { at: now, fenced: true })
      if (isOver) await endJob(tx, id, why, now)
      await deps.queue.wake(tx, row.id)
      return jobView((await jobById(tx, id)) ?? job)
    }),
  )
}

/** Asks for a job that did not end well once more, as a new job. */
export const retryJob = async (deps: ServiceDeps, id: string, asked: Asked): Promise<Job> => {
  const known = await jobById(deps.pool, id)
  if (known === null) throw noSuchJob(id)
  const { verb: asVerb, input, system, name, state } = known
  if (state === 'done' || known.finishedAt === null)
    throw conflict(
      'not-failed',
      'Nothing to retry',
      `${asVerb} of ${name} is ${state}; allowed: failed, uncertain, cancelled`,
    )
  const verb = asVerb === 'create' ? 'start' : asVerb
  const check = await makeCheck(deps, await findSystem(deps.pool, system), verb)
  return deps.transaction(tx =>
    once(tx, { ...asked, schema: 'core', body: {} }, async () => {
      const row = await claimed(tx, system)
      if (row.phase === 'gone' || (row.desired === 'absent' && verb !== 'destroy' && verb !== 'forget'))
        throw conflict('gone', 'The system is gone', `${name} is ${row.phase}; create a new one`)
      return jobView(await askRow(deps, tx, row, { verb, asVerb, input }, check))
    }),
  )
}

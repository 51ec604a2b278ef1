import type { Job } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { jobById, listJobs } from '../store/jobs.ts'
import type { ServiceDeps } from './deps.ts'
import { findSystem } from './find.ts'
import { jobView } from './view.ts'

/** Newest first; of one system (id or name) when it is given. */
export const getJobs = async ({ pool }: ServiceDeps, system: string | undefined, limit: number): Promise<Job[]> => {
  if (system === undefined) return (await listJobs(pool, null, limit)).map(jobView)
  const { id } = await findSystem(pool, system)
  return (await listJobs(pool, id, limit)).map(jobView)
}

export const getJob = async ({ pool }: ServiceDeps, id: string): Promise<Job> => {
  const row = await jobById(pool, id)
  if (row === null)
    throw new HttpProblem(404, 'no-such-job', 'No such job', `no job has the id ${id}; GET /v1/jobs lists them`)
  return jobView(row)
}

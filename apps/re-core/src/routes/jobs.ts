import { Id, Job } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import { getJob, getJobs } from '../services/jobs.ts'

const Listing = Type.Object({
  system: Type.Optional(Type.String({ minLength: 1, maxLength: 63, description: 'id or name' })),
  limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 200 }),
})
const read = { scope: 'systems:read' } as const

export const jobRoutes = (app: App, deps: ServiceDeps): void => {
  app.get(
    '/v1/jobs',
    {
      config: read,
      schema: { summary: 'Jobs, newest first', querystring: Listing, response: { 200: Type.Array(Job) } },
    },
    async request => getJobs(deps, request.query.system, request.query.limit),
  )
  app.get(
    '/v1/jobs/:id',
    { config: read, schema: { summary: 'One job', params: Type.Object({ id: Id }), response: { 200: Job } } },
    async request => getJob(deps, request.params.id),
  )
}

import { Id, Job } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import { cancelJob, retryJob } from '../services/job-verbs.ts'
import { askedBy } from './asked.ts'

const Which = Type.Object({ id: Id })
const write = { scope: 'systems:write' } as const

export const jobVerbRoutes = (app: App, deps: ServiceDeps): void => {
  app.post(
    '/v1/jobs/:id/cancel',
    {
      config: write,
      schema: {
        summary: 'End a job before its time; a create ends without a machine, unless it was ready before',
        params: Which,
        response: { 202: Job },
      },
    },
    async (request, reply) => reply.code(202).send(await cancelJob(deps, request.params.id, askedBy(request))),
  )
  app.post(
    '/v1/jobs/:id/retry',
    {
      config: write,
      schema: {
        summary: 'Ask once more for what failed, was cancelled, or is uncertain',
        params: Which,
        response: { 202: Job },
      },
    },
    async (request, reply) => reply.code(202).send(await retryJob(deps, request.params.id, askedBy(request))),
  )
}

import { CreateSystems, DestroySystem, Estimate, Job, System, SystemsPlan } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import { askSystem } from '../services/ask.ts'
import { priceSystems } from '../services/plan.ts'
import { createPriced, getSystem, getSystems } from '../services/systems.ts'
import { askedBy } from './asked.ts'

export const WhichSystem = Type.Object({
  system: Type.String({ minLength: 1, maxLength: 63, description: 'id or name' }),
})
const Listing = Type.Object({ gone: Type.Optional(Type.Boolean({ description: 'also those that are gone' })) })
const Created = Type.Object({ systems: Type.Array(System), jobs: Type.Array(Job), cost: Estimate })
const write = { scope: 'systems:write' } as const
const read = { scope: 'systems:read' } as const

export const systemRoutes = (app: App, deps: ServiceDeps): void => {
  app.post(
    '/v1/systems',
    { config: write, schema: { summary: 'Create systems', body: CreateSystems, response: { 202: Created } } },
    async (request, reply) => reply.code(202).send(await createPriced(deps, request.body, askedBy(request))),
  )
  app.post(
    '/v1/systems/plan',
    {
      config: read,
      schema: {
        summary: 'What creating these would make: every value, and whose word it is',
        body: CreateSystems,
        response: { 200: SystemsPlan },
      },
    },
    async request => priceSystems(deps, request.body, request.caller.scopes),
  )
  app.get(
    '/v1/systems',
    { config: read, schema: { summary: 'All systems', querystring: Listing, response: { 200: Type.Array(System) } } },
    async request => getSystems(deps, request.query.gone ?? false),
  )
  app.get(
    '/v1/systems/:system',
    { config: read, schema: { summary: 'One system', params: WhichSystem, response: { 200: System } } },
    async request => getSystem(deps, request.params.system),
  )
  const verbs = {
    start: 'Power on',
    protect: 'Refuse destroy and reload, here and at the provider',
    unprotect: 'Allow destroy and reload again',
    reload: 'Destroy the machine and make the next one under the same id',
  } as const
  for (const verb of ['start', 'protect', 'unprotect', 'reload'] as const)
    app.post(
      `/v1/systems/:system/${verb}`,
      { config: write, schema: { summary: verbs[verb], params: WhichSystem, response: { 202: Job } } },
      async (request, reply) =>
        reply.code(202).send(await askSystem(deps, request.params.system, { verb }, askedBy(request))),
    )
  app.delete(
    '/v1/systems/:system',
    {
      config: write,
      schema: {
        summary: 'Destroy, with the volumes that were made with it unless they are to be kept',
        params: WhichSystem,
        querystring: DestroySystem,
        response: { 202: Job },
      },
    },
    async (request, reply) => {
      const { params, query } = request
      const input = query.keepVolumes === true ? { keepVolumes: true } : {}
      const what = { verb: 'destroy', input } as const
      return reply.code(202).send(await askSystem(deps, params.system, what, askedBy(request)))
    },
  )
}

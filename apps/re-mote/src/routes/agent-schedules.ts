import { AgentScheduleInfo, CreateAgentSchedule, Id, KeptSample, SavedName } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import type { RouteDeps } from './deps.ts'

const Params = Type.Object({ name: SavedName })

export const addAgentSchedules = (app: App, { agentSchedules, link }: RouteDeps): void => {
  app.post(
    '/v1/agent-schedules',
    {
      config: { scope: 'runs:write' },
      schema: {
        summary:
          'Let agents do an operation that reads every so often by themselves, offline too, and deliver what came of it',
        body: CreateAgentSchedule,
        response: { 201: AgentScheduleInfo },
      },
    },
    async ({ body, caller }, reply) => {
      const made = await agentSchedules.create(body, caller.subject)
      const detail = { name: body.name, operation: body.operation, on: body.on }
      link.audit({ action: 'schedule.created', subject: caller.subject, host: null, detail })
      return reply.code(201).send(made)
    },
  )
  app.get(
    '/v1/agent-schedules',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: 'Schedules of agents, and how far each host is',
        response: { 200: Type.Array(AgentScheduleInfo) },
      },
    },
    () => agentSchedules.list(),
  )
  app.delete(
    '/v1/agent-schedules/:name',
    {
      config: { scope: 'runs:write' },
      schema: {
        summary: 'Sample it no more; what was delivered goes when it is old',
        params: Params,
        response: { 200: Type.Object({ removed: Type.Boolean() }) },
      },
    },
    async ({ params, caller }) => {
      await agentSchedules.remove(params.name)
      const detail = { name: params.name }
      link.audit({ action: 'schedule.removed', subject: caller.subject, host: null, detail })
      return { removed: true }
    },
  )
  app.get(
    '/v1/agent-schedules/:name/samples',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: 'What was sampled and delivered, newest first',
        params: Params,
        querystring: Type.Object({
          host: Type.Optional(Id),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'default 100' })),
        }),
        response: { 200: Type.Array(KeptSample) },
      },
    },
    ({ params, query }) => agentSchedules.samples(params.name, { host: query.host, limit: query.limit ?? 100 }),
  )
}

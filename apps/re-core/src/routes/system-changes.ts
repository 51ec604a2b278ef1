import { ChangeSystem, Job, RebootSystem, relabelled, ResizeSystem, StopSystem } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import type { FastifyRequest } from 'fastify'
import { askSystem, type What } from '../services/ask.ts'
import type { ServiceDeps } from '../services/deps.ts'
import { askedBy } from './asked.ts'
import { WhichSystem } from './systems.ts'

const write = { scope: 'systems:write' } as const

/** Verbs that are told how: each answers 202 and its job. */
export const systemChangeRoutes = (app: App, deps: ServiceDeps): void => {
  const ask = (request: Pick<FastifyRequest, 'headers' | 'caller' | 'method' | 'url'>, system: string, what: What) =>
    askSystem(deps, system, what, askedBy(request))
  const summaries = {
    stop: 'Power off: the guest is asked, and its power taken away only when that is asked for',
    reboot: 'Reboot, once: one whose answer was lost is not sent again silently',
    resize: 'Another size; stopped for it, and started again, where the provider cannot do it live',
  } as const
  const bodies = { stop: StopSystem, reboot: RebootSystem, resize: ResizeSystem } as const
  for (const verb of ['stop', 'reboot', 'resize'] as const)
    app.post(
      `/v1/systems/:system/${verb}`,
      {
        config: write,
        schema: { summary: summaries[verb], params: WhichSystem, body: bodies[verb], response: { 202: Job } },
      },
      async (request, reply) =>
        reply.code(202).send(await ask(request, request.params.system, { verb, input: request.body })),
    )
  app.patch(
    '/v1/systems/:system',
    {
      config: write,
      schema: {
        summary: 'Another name, or other labels (told to the provider and to re-mote), or what is done by itself',
        params: WhichSystem,
        body: ChangeSystem,
        response: { 202: Job },
      },
    },
    async (request, reply) => {
      const { name, policy, labels = {} } = request.body
      if (policy !== undefined)
        return reply.code(202).send(await ask(request, request.params.system, { verb: 'policy', input: { policy } }))
      const what: What =
        name === undefined
          ? { verb: 'label', input: row => ({ labels: relabelled(row.labels, labels) }), body: { labels } }
          : { verb: 'rename', input: { name } }
      return reply.code(202).send(await ask(request, request.params.system, what))
    },
  )
}

import { Agent, DeployAgents, Deployment, Host, Id, RemoveAgents } from '@re-ops/protocols'
import { HttpProblem, type App } from '@re-ops/service'
import { Type } from 'typebox'
import { noSuchHost } from '../services/hosts.ts'
import { withSelector } from '../services/selectors.ts'
import { listAgents, retireIdentity } from '../store/agents.ts'
import { findDeployment } from '../store/deployments.ts'
import { findHosts, setHostState } from '../store/hosts.ts'
import type { RouteDeps } from './deps.ts'

const Params = Type.Object({ id: Id })

export const addAgents = (app: App, deps: RouteDeps): void => {
  const { pool, link, hub, deployments } = deps
  const isOnline = (host: string) => link.epochOf(host) !== undefined
  app.get(
    '/v1/agents',
    {
      config: { scope: 'hosts:read' },
      schema: {
        summary: 'Hosts with an agent: its version, its keys, its session',
        querystring: Type.Object({
          on: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'selector' })),
        }),
        response: { 200: Type.Array(Agent) },
      },
    },
    ({ query }) =>
      withSelector(pool, { text: query.on ?? '*', where: '/query/on' }, (sql, selector) =>
        listAgents(sql, isOnline, selector),
      ),
  )
  app.post(
    '/v1/agents/deploy',
    {
      config: { scope: 'enrolments:write' },
      schema: {
        summary: 'Put an agent onto SSH hosts, or a newer one in place of the one that is there; answers at once',
        body: DeployAgents,
        response: { 202: Deployment },
      },
    },
    async ({ body, caller }, reply) => reply.code(202).send(await deployments.deploy(body, caller.subject)),
  )
  app.post(
    '/v1/agents/remove',
    {
      config: { scope: 'enrolments:write' },
      schema: {
        summary: 'Take deployed agents away: processes, files and identities; the hosts are reached over SSH again',
        body: RemoveAgents,
        response: { 202: Deployment },
      },
    },
    async ({ body, caller }, reply) => reply.code(202).send(await deployments.remove(body, caller.subject)),
  )
  app.get(
    '/v1/deployments/:id',
    {
      config: { scope: 'hosts:read' },
      schema: { summary: 'How far a deployment is, host by host', params: Params, response: { 200: Deployment } },
    },
    async ({ params }) => {
      const found = await findDeployment(pool, params.id)
      if (found) return found
      throw new HttpProblem(404, 'no-such-deployment', 'No such deployment', `deployment ${params.id} does not exist`)
    },
  )
  app.post(
    '/v1/agents/:id/revoke',
    {
      config: { scope: 'hosts:write' },
      schema: {
        summary: "Revoke the agent's identity; a host with SSH settings is reached over SSH from then on",
        params: Params,
        response: { 200: Host },
      },
    },
    async ({ params, caller }) => {
      const reason = `by ${caller.subject}`
      const revoked =
        (await retireIdentity(pool, params.id, reason)) ||
        (await setHostState(pool, { ids: [params.id], state: 'revoked', reason })).length > 0
      if (revoked) link.audit({ action: 'agent.revoked', subject: caller.subject, host: params.id, detail: {} })
      link.endSession(params.id, 'revoked', false)
      hub.hostChanged(params.id)
      const [host] = await findHosts(pool, isOnline, [params.id])
      if (!host) throw noSuchHost(params.id)
      return host
    },
  )
}

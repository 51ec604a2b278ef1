import { ChangeHost, Host, Id, type Run } from '@re-ops/protocols'
import { openEvents, type App } from '@re-ops/service'
import { Type } from 'typebox'
import { noSuchHost, patchHost } from '../services/hosts.ts'
import { changeSshHost, trustedKeys } from '../services/ssh-hosts.ts'
import { withSelector } from '../services/selectors.ts'
import { confirmHost, findHosts, listHosts, revokeSystem, setHostState } from '../store/hosts.ts'
import type { RouteDeps } from './deps.ts'

const Params = Type.Object({ id: Id })
const generationMax = 2_147_483_647

export const addHosts = (app: App, deps: RouteDeps): void => {
  const { pool, link, hub, isOnline } = deps
  const one = async (id: string) => {
    const [host] = await findHosts(pool, isOnline, [id])
    if (!host) throw noSuchHost(id)
    return host
  }
  const audit = (action: string, subject: string, host: string, detail = {}) =>
    link.audit({ action, subject, host, detail })

  app.get(
    '/v1/hosts',
    {
      config: { scope: 'hosts:read' },
      schema: {
        summary: 'Hosts by name; revoked ones only when asked for by system',
        querystring: Type.Object({
          on: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'selector' })),
          system: Type.Optional(Id),
          generation: Type.Optional(Type.Integer({ minimum: 0, maximum: generationMax })),
        }),
        response: { 200: Type.Array(Host) },
      },
    },
    ({ query }) => {
      const { system, generation, on = '*' } = query
      return withSelector(pool, { text: on, where: '/query/on' }, (sql, { condition, parameters }) => {
        const conditions = [condition]
        if (system === undefined) conditions.push(`h.state <> 'revoked'`)
        else conditions.push(`h.system = $${parameters.push(system)}::uuid`)
        if (generation !== undefined) conditions.push(`h.generation = $${parameters.push(generation)}::int`)
        return listHosts(sql, isOnline, { condition: conditions.join(' and '), parameters })
      })
    },
  )
  app.get(
    '/v1/hosts/:id',
    { config: { scope: 'hosts:read' }, schema: { summary: 'A host', params: Params, response: { 200: Host } } },
    async ({ params }) => {
      const host = await one(params.id)
      const hostKeys = host.ssh === undefined ? [] : await trustedKeys({ ssh: deps.ssh }, host.ssh)
      return hostKeys.length > 0 ? { ...host, hostKeys } : host
    },
  )
  app.patch(
    '/v1/hosts/:id',
    {
      config: { scope: 'hosts:write' },
      schema: {
        summary:
          'Rename it, set and unset labels, change SSH settings (also of a host with an agent) and trusted host keys',
        params: Params,
        body: ChangeHost,
        response: { 200: Host },
      },
    },
    async ({ params, body, caller }) => {
      const { ssh, hostKeys, ...rest } = body
      const before = await one(params.id)
      const change = await patchHost(pool, params.id, rest)
      const settings = await changeSshHost({ pool, ssh: deps.ssh }, before, { ssh, hostKeys })
      if (change || settings.length > 0) {
        audit('host.changed', caller.subject, params.id, { ...change, ...(settings.length > 0 ? { settings } : {}) })
        hub.hostChanged(params.id)
      }
      return one(params.id)
    },
  )
  app.delete(
    '/v1/hosts/:id',
    {
      config: { scope: 'hosts:write' },
      schema: {
        summary: 'Revoke its identity, or remove a host that is reached over SSH',
        params: Params,
        response: { 200: Host },
      },
    },
    async ({ params, caller }) => {
      const changed = await setHostState(pool, { ids: [params.id], state: 'revoked', reason: `by ${caller.subject}` })
      if (changed.length > 0) audit('host.revoked', caller.subject, params.id)
      link.endSession(params.id, 'revoked', false)
      deps.ssh.directory.changed()
      hub.hostChanged(params.id)
      return one(params.id)
    },
  )
  app.post(
    '/v1/hosts/:id/confirm',
    {
      config: { scope: 'hosts:write' },
      schema: { summary: 'Lift a quarantine', params: Params, response: { 200: Host } },
    },
    async ({ params, caller }) => {
      if (await confirmHost(pool, params.id)) audit('host.confirmed', caller.subject, params.id)
      hub.hostChanged(params.id)
      return one(params.id)
    },
  )
  app.post(
    '/v1/identities/revoke',
    {
      config: { scope: 'enrolments:write' },
      schema: {
        summary: 'Revoke the hosts and open enrolments of a system, up to a generation',
        body: Type.Object(
          { system: Id, generation: Type.Optional(Type.Integer({ minimum: 0, maximum: generationMax })) },
          { additionalProperties: false },
        ),
        response: { 200: Type.Object({ revoked: Type.Integer() }) },
      },
    },
    async ({ body, caller }) => {
      const { system, generation = generationMax } = body
      const revoked = await revokeSystem(pool, { system, generation })
      for (const host of revoked) {
        audit('host.revoked', caller.subject, host, { system, generation })
        link.endSession(host, 'revoked', false)
        hub.hostChanged(host)
      }
      return { revoked: revoked.length }
    },
  )
  app.get(
    '/v1/events',
    {
      config: { scope: 'hosts:read' },
      schema: {
        summary: 'Server-sent events: `host` and `run`, as they change',
        querystring: Type.Object({
          only: Type.Optional(Type.Enum(['host', 'run'], { description: 'of one kind; default both' })),
        }),
      },
    },
    async (request, reply) => {
      const stream = openEvents(request, reply)
      const { only } = request.query
      const stop = hub.listen({
        ...(only === 'run' ? {} : { host: (host: Host) => stream.send('host', host, host.id) }),
        ...(only === 'host' ? {} : { run: (run: Run) => stream.send('run', run, run.id) }),
      })
      stream.closed.addEventListener('abort', stop)
    },
  )
}

import { AddHost, Host, PutSecret, SecretStored } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import { noSuchHost } from '../services/hosts.ts'
import { addSshHost } from '../services/ssh-hosts.ts'
import { findHosts } from '../store/hosts.ts'
import type { RouteDeps } from './deps.ts'

const Named = Type.Object({ name: Type.String({ minLength: 1, maxLength: 128 }) })

export const addSsh = (app: App, deps: RouteDeps): void => {
  const { pool, link, hub, secrets, ssh } = deps
  const isOnline = (host: string) => link.epochOf(host) !== undefined
  const one = async (id: string) => {
    const [host] = await findHosts(pool, isOnline, [id])
    if (!host) throw noSuchHost(id)
    return host
  }
  app.post(
    '/v1/hosts',
    {
      config: { scope: 'hosts:write' },
      schema: {
        summary: 'Add a host that is reached over SSH; the same again is the same host',
        body: AddHost,
        response: { 200: Host, 201: Host },
      },
    },
    async ({ body, caller }, reply) => {
      const { id, isNew } = await addSshHost({ pool, ssh }, body)
      if (isNew) link.audit({ action: 'host.added', subject: caller.subject, host: id, detail: { name: body.name } })
      hub.hostChanged(id)
      return reply.code(isNew ? 201 : 200).send(await one(id))
    },
  )
  app.delete(
    '/v1/ssh/connections',
    {
      config: { scope: 'hosts:write' },
      schema: {
        summary:
          'Close the SSH connections that stand, each after the calls that use it; the next call makes a new one',
        response: { 200: Type.Object({ closing: Type.Integer() }) },
      },
    },
    () => {
      const closing = ssh.pool.size
      ssh.pool.empty()
      return { closing }
    },
  )
  app.put(
    '/v1/secrets/:name',
    {
      config: { scope: 'secrets:write' },
      schema: {
        summary: 'Store a secret; it is encrypted and never answered. SSH settings name it as secret:NAME',
        params: Named,
        body: PutSecret,
        response: { 200: SecretStored },
      },
    },
    async ({ params, body, caller }) => {
      const { name, version } = await secrets.put(params.name, body.value)
      link.audit({ action: 'secret.stored', subject: caller.subject, host: null, detail: { name, version } })
      return { name, version }
    },
  )
  app.delete(
    '/v1/secrets/:name',
    {
      config: { scope: 'secrets:write' },
      schema: {
        summary: 'Forget a secret',
        params: Named,
        response: { 200: Type.Object({ removed: Type.Boolean() }) },
      },
    },
    async ({ params, caller }) => {
      const removed = await secrets.remove(params.name)
      const detail = { name: params.name }
      if (removed) link.audit({ action: 'secret.removed', subject: caller.subject, host: null, detail })
      return { removed }
    },
  )
}

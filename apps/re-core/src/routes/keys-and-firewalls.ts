import { ExtraName, ExtraPlace, FirewallInfo, PutFirewall, PutSshKey, SshKeyInfo } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import {
  getFirewalls,
  getSshKeys,
  putFirewall,
  putSshKey,
  removeFirewall,
  removeSshKey,
} from '../services/keys-and-firewalls.ts'

const Which = Type.Object({ name: ExtraName })
const write = { scope: 'systems:write' } as const
const read = { scope: 'systems:read' } as const
const at = { querystring: ExtraPlace } as const

/** SSH keys and firewalls of an account at its provider. */
export const keyAndFirewallRoutes = (app: App, deps: ServiceDeps): void => {
  const key = { ...at, params: Which, response: { 200: SshKeyInfo } }
  const firewall = { ...at, params: Which, response: { 200: FirewallInfo } }
  app.get(
    '/v1/ssh-keys',
    { config: read, schema: { ...at, summary: 'SSH keys of an account', response: { 200: Type.Array(SshKeyInfo) } } },
    async ({ query }) => getSshKeys(deps, query),
  )
  app.put(
    '/v1/ssh-keys/:name',
    {
      config: write,
      schema: { ...key, summary: 'Save a public key; the name with another one is 409', body: PutSshKey },
    },
    async ({ params, query, body }) => putSshKey(deps, query, params.name, body.publicKey),
  )
  app.delete(
    '/v1/ssh-keys/:name',
    { config: write, schema: { ...key, summary: 'Forget a public key' } },
    async ({ params, query }) => removeSshKey(deps, query, params.name),
  )
  app.get(
    '/v1/firewalls',
    {
      config: read,
      schema: { ...at, summary: 'Firewalls of an account', response: { 200: Type.Array(FirewallInfo) } },
    },
    async ({ query }) => getFirewalls(deps, query),
  )
  app.put(
    '/v1/firewalls/:name',
    { config: write, schema: { ...firewall, summary: 'Make its rules exactly these', body: PutFirewall } },
    async ({ params, query, body }) => putFirewall(deps, query, params.name, body),
  )
  app.delete(
    '/v1/firewalls/:name',
    { config: write, schema: { ...firewall, summary: 'Delete a firewall that protects nothing' } },
    async ({ params, query }) => removeFirewall(deps, query, params.name),
  )
}

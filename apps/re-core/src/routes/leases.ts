import { RenewLease, System } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import { endLease, getLeases, renewLease } from '../services/leases.ts'

const Which = Type.Object({ system: Type.String({ minLength: 1, maxLength: 63, description: 'id or name' }) })

export const leaseRoutes = (app: App, deps: ServiceDeps): void => {
  app.get(
    '/v1/leases',
    {
      config: { scope: 'systems:read' },
      schema: { summary: 'Systems with a lease, the next to end first', response: { 200: Type.Array(System) } },
    },
    async () => getLeases(deps),
  )
  app.post(
    '/v1/systems/:system/lease',
    {
      config: { scope: 'systems:write' },
      schema: {
        summary: 'Renew a lease, or begin one; answered when the machine carries it too',
        params: Which,
        body: RenewLease,
        response: { 200: System },
      },
    },
    async request => renewLease(deps, request.params.system, request.body, request.caller.subject),
  )
  app.delete(
    '/v1/systems/:system/lease',
    {
      config: { scope: 'systems:write' },
      schema: { summary: 'Take the lease away: it no longer ends by itself', params: Which, response: { 200: System } },
    },
    async request => endLease(deps, request.params.system),
  )
}

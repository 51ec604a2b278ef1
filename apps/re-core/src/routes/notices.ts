import { Freeze, Notice, System } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import { adoptSystem, getFreezes, getNotices } from '../services/notices.ts'

const Which = Type.Object({ system: Type.String({ minLength: 1, maxLength: 63, description: 'id or name' }) })
const Listing = Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 200 }) })
const read = { scope: 'systems:read' } as const

export const noticeRoutes = (app: App, deps: ServiceDeps): void => {
  app.get(
    '/v1/notices',
    {
      config: read,
      schema: {
        summary: 'What re-core did, or refused to do, by itself; newest first',
        querystring: Listing,
        response: { 200: Type.Array(Notice) },
      },
    },
    async request => getNotices(deps, request.query.limit),
  )
  app.get(
    '/v1/freezes',
    {
      config: read,
      schema: {
        summary: 'Accounts in which nothing is ended by itself, and why',
        response: { 200: Type.Array(Freeze) },
      },
    },
    async () => getFreezes(deps),
  )
  app.post(
    '/v1/systems/:system/adopt',
    {
      config: { scope: 'systems:write' },
      schema: {
        summary: 'Take its machine as it is: it is newer than our row',
        params: Which,
        response: { 200: System },
      },
    },
    async request => adoptSystem(deps, request.params.system),
  )
}

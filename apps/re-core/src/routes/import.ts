import { AccountUsage, ImportSystem, Job, Name, RegionName, System, Unmanaged } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import { getUsage } from '../services/account-usage.ts'
import { askSystem } from '../services/ask.ts'
import type { ServiceDeps } from '../services/deps.ts'
import { importSystem } from '../services/import.ts'
import { getUnmanaged } from '../services/unmanaged.ts'
import { askedBy } from './asked.ts'
import { WhichSystem } from './systems.ts'

const Where = Type.Object({ account: Type.Optional(Name), region: Type.Optional(RegionName) })
const Imported = Type.Object({ system: System, job: Job })
const read = { scope: 'systems:read' } as const
const write = { scope: 'systems:write' } as const

export const importRoutes = (app: App, deps: ServiceDeps): void => {
  app.get(
    '/v1/unmanaged',
    {
      config: read,
      schema: {
        summary: 'Machines of accounts that belong to no system',
        querystring: Where,
        response: { 200: Type.Array(Unmanaged) },
      },
    },
    async request => getUnmanaged(deps, request.query),
  )
  app.post(
    '/v1/systems/import',
    {
      config: write,
      schema: {
        summary: 'Take hold of a machine that is there; only looked at, unless managed is full',
        body: ImportSystem,
        response: { 202: Imported },
      },
    },
    async (request, reply) => reply.code(202).send(await importSystem(deps, request.body, askedBy(request))),
  )
  app.post(
    '/v1/systems/:system/forget',
    {
      config: write,
      schema: {
        summary: 'End the system and leave its machine: our marks are taken off it',
        params: WhichSystem,
        response: { 202: Job },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await askSystem(deps, request.params.system, { verb: 'forget' }, askedBy(request))),
  )
  app.get(
    '/v1/accounts/:account/usage',
    {
      config: read,
      schema: {
        summary: 'What an account has, may have, and what is wrong with it',
        params: Type.Object({ account: Name }),
        response: { 200: AccountUsage },
      },
    },
    async request => getUsage(deps, request.params.account),
  )
}

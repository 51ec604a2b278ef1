import { CreateSnapshot, Job, SystemSnapshot } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import { askSystem } from '../services/ask.ts'
import type { ServiceDeps } from '../services/deps.ts'
import { deleteSnapshot, getSnapshot, getSnapshots } from '../services/snapshots.ts'
import { askedBy } from './asked.ts'
import { WhichSystem } from './systems.ts'

const Which = Type.Object({ snapshot: Type.String({ minLength: 1, maxLength: 63, description: 'id or name' }) })
const write = { scope: 'systems:write' } as const
const read = { scope: 'systems:read' } as const

export const snapshotRoutes = (app: App, deps: ServiceDeps): void => {
  app.post(
    '/v1/systems/:system/snapshots',
    {
      config: write,
      schema: {
        summary: 'Make an image of its machine',
        params: WhichSystem,
        body: CreateSnapshot,
        response: { 202: Job },
      },
    },
    async (request, reply) => {
      const what = { verb: 'snapshot', input: request.body } as const
      return reply.code(202).send(await askSystem(deps, request.params.system, what, askedBy(request)))
    },
  )
  app.get(
    '/v1/snapshots',
    { config: read, schema: { summary: 'Snapshots, newest first', response: { 200: Type.Array(SystemSnapshot) } } },
    async () => getSnapshots(deps),
  )
  app.get(
    '/v1/snapshots/:snapshot',
    { config: read, schema: { summary: 'One snapshot', params: Which, response: { 200: SystemSnapshot } } },
    async request => getSnapshot(deps, request.params.snapshot),
  )
  app.delete(
    '/v1/snapshots/:snapshot',
    {
      config: write,
      schema: { summary: 'Delete it, here and at the provider', params: Which, response: { 202: SystemSnapshot } },
    },
    async (request, reply) => reply.code(202).send(await deleteSnapshot(deps, request.params.snapshot)),
  )
}

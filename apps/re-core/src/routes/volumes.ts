import { AttachVolume, ExtraName, ExtraPlace, Job, PutVolume, VolumeInfo } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import { askedBy } from './asked.ts'
import type { ServiceDeps } from '../services/deps.ts'
import { attachVolume, detachVolume, getVolume, getVolumes, putVolume, removeVolume } from '../services/volumes.ts'

const Which = Type.Object({ volume: ExtraName })
const write = { scope: 'systems:write' } as const
const job = { response: { 202: Job }, querystring: ExtraPlace, params: Which } as const
const answer = { response: { 200: VolumeInfo, 202: VolumeInfo }, querystring: ExtraPlace, params: Which } as const

/** Disks with a life of their own. */
export const volumeRoutes = (app: App, deps: ServiceDeps): void => {
  app.get(
    '/v1/volumes',
    {
      config: { scope: 'systems:read' },
      schema: {
        summary: 'Volumes of a place',
        querystring: ExtraPlace,
        response: { 200: Type.Array(VolumeInfo) },
      },
    },
    async ({ query }) => getVolumes(deps, query),
  )
  app.get(
    '/v1/volumes/:volume',
    {
      config: { scope: 'systems:read' },
      schema: { summary: 'One volume', querystring: ExtraPlace, params: Which, response: { 200: VolumeInfo } },
    },
    async ({ params, query }) => getVolume(deps, query, params.volume),
  )
  app.put(
    '/v1/volumes/:volume',
    { config: write, schema: { ...answer, summary: 'Make a volume, or make it larger', body: PutVolume } },
    async ({ params, query, body }, reply) => {
      const { status, volume } = await putVolume(deps, query, params.volume, body)
      return reply.code(status).send(volume)
    },
  )
  app.post(
    '/v1/volumes/:volume/attach',
    { config: write, schema: { ...job, summary: 'Attach it to the machine of a system', body: AttachVolume } },
    async (request, reply) => {
      const what = { name: request.params.volume, system: request.body.system }
      return reply.code(202).send(await attachVolume(deps, request.query, what, askedBy(request)))
    },
  )
  app.post(
    '/v1/volumes/:volume/detach',
    { config: write, schema: { ...job, summary: 'Take it off its machine' } },
    async (request, reply) =>
      reply.code(202).send(await detachVolume(deps, request.query, request.params.volume, askedBy(request))),
  )
  app.delete(
    '/v1/volumes/:volume',
    { config: write, schema: { ...answer, summary: 'Delete a volume and all in it' } },
    async ({ params, query }, reply) => {
      const { status, volume } = await removeVolume(deps, query, params.volume)
      return reply.code(status).send(volume)
    },
  )
}

import { AttachVolume, ExtraName, ExtraPlace, PutVolume, VolumeInfo } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import { attachVolume, detachVolume, getVolumes, putVolume, removeVolume } from '../services/volumes.ts'

const Which = Type.Object({ volume: ExtraName })
const write = { scope: 'systems:write' } as const
const answer = { response: { 200: VolumeInfo }, querystring: ExtraPlace, params: Which } as const

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
  app.put(
    '/v1/volumes/:volume',
    { config: write, schema: { ...answer, summary: 'Make a volume, or make it larger', body: PutVolume } },
    async ({ params, query, body }) => putVolume(deps, query, params.volume, body),
  )
  app.post(
    '/v1/volumes/:volume/attach',
    { config: write, schema: { ...answer, summary: 'Attach it to the machine of a system', body: AttachVolume } },
    async ({ params, query, body }) => attachVolume(deps, query, params.volume, body.system),
  )
  app.post(
    '/v1/volumes/:volume/detach',
    { config: write, schema: { ...answer, summary: 'Take it off its machine' } },
    async ({ params, query }) => detachVolume(deps, query, params.volume),
  )
  app.delete(
    '/v1/volumes/:volume',
    { config: write, schema: { ...answer, summary: 'Delete a volume and all in it' } },
    async ({ params, query }) => removeVolume(deps, query, params.volume),
  )
}

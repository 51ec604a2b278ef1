import { Module, ModuleHash, PushModule } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import { noSuchModule } from '../services/modules.ts'
import { findModule, listModules } from '../store/modules.ts'
import type { RouteDeps } from './deps.ts'

const Params = Type.Object({ hash: ModuleHash })
const listedMax = 500

export const addModules = (app: App, { pool, modules }: Pick<RouteDeps, 'pool' | 'modules'>): void => {
  app.post(
    '/v1/modules',
    {
      config: { scope: 'code:push' },
      schema: {
        summary: 'Push a live module; 200 when it is there already',
        body: PushModule,
        response: { 200: Module, 201: Module },
      },
    },
    async ({ body, caller }, reply) => {
      const { module, isNew } = await modules.push(body, caller.subject)
      return reply.code(isNew ? 201 : 200).send(module)
    },
  )
  app.get(
    '/v1/modules',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: 'Live modules without their code, newest first',
        querystring: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: listedMax })) }),
        response: { 200: Type.Array(Module) },
      },
    },
    ({ query }) => listModules(pool, query.limit ?? 100),
  )
  app.get(
    '/v1/modules/:hash',
    {
      config: { scope: 'runs:read' },
      schema: { summary: 'A live module without its code', params: Params, response: { 200: Module } },
    },
    async ({ params }) => {
      const module = await findModule(pool, params.hash)
      if (!module) throw noSuchModule(params.hash)
      return module
    },
  )
  app.delete(
    '/v1/modules/:hash',
    {
      config: { scope: 'code:push' },
      schema: {
        summary: 'Revoke a live module: it runs nowhere any more; again is nothing new',
        params: Params,
        response: { 200: Module },
      },
    },
    ({ params, caller }) => modules.revoke(params.hash, caller.subject),
  )
}

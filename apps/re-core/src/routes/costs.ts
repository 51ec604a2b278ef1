import { SystemCost } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import { getCosts } from '../services/costs.ts'
import type { ServiceDeps } from '../services/deps.ts'

const Which = Type.Object({
  system: Type.Optional(
    Type.String({ minLength: 1, maxLength: 63, description: 'id or name; also of one that is gone' }),
  ),
})

export const costRoutes = (app: App, deps: ServiceDeps): void => {
  app.get(
    '/v1/costs',
    {
      config: { scope: 'systems:read' },
      schema: {
        summary: 'What systems cost an hour and have cost, in US dollars',
        querystring: Which,
        response: { 200: Type.Array(SystemCost) },
      },
    },
    async ({ query }) => getCosts(deps, query.system),
  )
}

import type { FastifyInstance } from 'fastify'
import { docsPage } from './docs-page.ts'

/** Says in the OpenAPI which scope each route needs. */
const withScope = (app: FastifyInstance): void => {
  app.addHook('onRoute', route => {
    const scope = route.config?.scope
    if (!scope || scope === 'public') return
    route.schema = { ...route.schema, security: [{ token: [scope] }] }
  })
}

/** `/v1/openapi.json`, and `/docs`: the same as a page, without any file from elsewhere. */
export const addDocs = (app: FastifyInstance, name: string): void => {
  withScope(app)
  const options = { config: { scope: 'public' as const }, schema: { hide: true } }
  app.get('/v1/openapi.json', options, async () => app.swagger())
  app.get('/docs', options, async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
      )
      .send(docsPage(name)),
  )
}

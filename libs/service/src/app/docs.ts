import type { FastifyInstance } from 'fastify'

/** `/v1/openapi.json`, and `/docs`: the same as a page, without any file from elsewhere. */
export const addDocs = (app: FastifyInstance, name: string): void => {
  const options = { config: { scope: 'public' as const }, schema: { hide: true } }
  app.get('/v1/openapi.json', options, async () => app.swagger())
  app.get('/docs', options, async (_request, reply) => reply.type('text/html; charset=utf-8').send(page(name)))
}
const page = (name: string): string => `<!doctype html><title>${name}</title><pre id=x></pre>`

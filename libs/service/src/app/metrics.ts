import type { FastifyInstance } from 'fastify'
import { Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { Pool } from '../postgres/pool.ts'

export type Metrics = { readonly registry: Registry; readonly httpSeconds: Histogram<'method' | 'route' | 'status'> }

/** One registry per service (never the library's global one): process, event loop lag, HTTP durations; add your own to `registry`. */
export const makeMetrics = ({ service }: { readonly service: string }): Metrics => {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  const httpSeconds = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request line to the end of the answer',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [registry],
  })
  return { registry, httpSeconds }
}

/** Connections of a pool by state, read when the metrics are. */
export const observePool = ({ registry }: Metrics, pool: Pool): void => {
  const gauge = new Gauge({
    name: 'postgres_pool_connections',
    help: 'Connections of the Postgres pool, and requests waiting for one',
    labelNames: ['state'] as const,
    registers: [registry],
    collect: () => {
      gauge.set({ state: 'busy' }, pool.totalCount - pool.idleCount)
      gauge.set({ state: 'idle' }, pool.idleCount)
      gauge.set({ state: 'waiting' }, pool.waitingCount)
    },
  })
}

/** Counts each finished request; routes are counted by their pattern, so the number of series has a limit. */
export const addMetrics = (app: FastifyInstance, metrics: Metrics): void => {
  app.addHook('onResponse', async (request, reply) => {
    // A stream's duration says how long somebody watched, not how fast we are.
    if (String(reply.raw.getHeader('content-type') ?? '').startsWith('text/event-stream')) return
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none')
    metrics.httpSeconds.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    )
  })
  app.get('/metrics', { config: { scope: 'public' }, schema: { hide: true } }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}

import swagger from '@fastify/swagger'
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { Log } from '../log.ts'
import type { TokenVerifier } from '../tokens.ts'
import { addAuth } from './auth.ts'
import { addDocs } from './docs.ts'
import { refuseBroken } from './broken.ts'
import { addErrors, asProblem, pathPartMax, sendProblem } from './errors.ts'
import { endEventStreams, openStreams } from './events.ts'
import { addHealth, type ReadyChecks } from './health.ts'
import type { RateLimit } from './limiter.ts'
import { addMetrics, type Metrics } from './metrics.ts'
import { requestIdOf } from './request-id.ts'
import type { App } from './types.ts'
import { validatorCompiler } from './validate.ts'

export type AppLimits = {
  readonly bodyBytesMax: number
  readonly perCaller: RateLimit
  /** Refused tokens per address. */
  readonly failures: RateLimit
  readonly requestTimeoutMs: number
}
const defaults: AppLimits = {
  bodyBytesMax: 1024 * 1024,
  perCaller: { max: 2000, windowMs: 1000 },
  failures: { max: 120, windowMs: 60_000 },
  requestTimeoutMs: 60_000,
}
export type AppOptions = {
  readonly name: string
  readonly version: string
  readonly log: Log
  readonly verifier: TokenVerifier
  readonly metrics: Metrics
  readonly ready: ReadyChecks
  readonly limits?: Partial<AppLimits>
}

const addRequestLog = (app: FastifyInstance): void => {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    const line = {
      method: request.method,
      route: request.is404 ? request.url.split('?')[0]?.slice(0, 200) : request.routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      subject: request.caller?.subject,
    }
    if (request.method === 'GET' && reply.statusCode < 400) request.log.debug(line, 'request')
    else request.log.info(line, 'request')
  })
}

/** Streams are ended and connections that linger are cut after two seconds, so that closing always ends. */
const addClose = (app: FastifyInstance): void => {
  app.addHook('preClose', async () => {
    endEventStreams(openStreams)
    setTimeout(() => app.server.closeAllConnections(), 2000).unref()
  })
}

/**
 * The HTTP side of a service: request ids, tokens and scopes, limits, problem+json, health, metrics, OpenAPI. Register routes on what it
 * answers, each with `config: { scope }` and typebox schemas, then listen.
 */
export const makeApp = async (options: AppOptions): Promise<App> => {
  const limits = { ...defaults, ...options.limits }
  const app = fastify({
    loggerInstance: options.log as unknown as FastifyBaseLogger,
    genReqId: requestIdOf,
    // Only the label: addRequestLog writes one line per request, with what it came to.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    return503OnClosing: true,
    routerOptions: { maxParamLength: pathPartMax },
    frameworkErrors: (error, request, reply) =>
      void sendProblem(asProblem(error, request.id, limits.bodyBytesMax), request, reply),
    clientErrorHandler: refuseBroken,
  })
  app.setValidatorCompiler(validatorCompiler as never)
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  addRequestLog(app)
  addErrors(app, limits.bodyBytesMax)
  addAuth(app, options.verifier, limits)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: options.name, version: options.version },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
  })
  addDocs(app, options.name)
  addMetrics(app, options.metrics)
  addHealth(app, { name: options.name, version: options.version }, options.ready)
  addClose(app)
  return app
}

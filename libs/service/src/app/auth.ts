import { allows, scopes } from '@re-ops/protocols'
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { HttpProblem } from '../problem.ts'
import { TokenError, type Caller, type TokenVerifier } from '../tokens.ts'
import { makeLimiter, type RateLimit } from './limiter.ts'
import type { RouteScope } from './types.ts'

export type AuthLimits = { readonly perCaller: RateLimit; readonly failures: RateLimit }
export const publicCaller: Caller = { subject: 'public', scopes: [], tokenId: '' }
const allowedScopes: readonly string[] = [...scopes, 'public']

const checkRoute = (route: RouteOptions): void => {
  const scope = route.config?.scope
  if (scope && allowedScopes.includes(scope)) return
  throw new Error(
    `route ${String(route.method)} ${route.url}: config.scope=${JSON.stringify(scope)} must be one of ${allowedScopes.join(', ')}`,
  )
}

const tooMany = (waitMs: number): HttpProblem =>
  new HttpProblem(429, 'too-many-requests', 'Too many requests', `the limit is reached; try again in ${waitMs} ms`, {
    retryAfterMs: waitMs,
  })
const unauthorised = (why: string): HttpProblem =>
  new HttpProblem(
    401,
    'unauthorised',
    'Not authenticated',
    `${why}; send "Authorization: Bearer <token>" (reops token)`,
  )

const authenticate = async (request: FastifyRequest, verifier: TokenVerifier): Promise<Caller> => {
  const [scheme, token, ...rest] = (request.headers.authorization ?? '').split(' ')
  if (!scheme) throw unauthorised('there is no token')
  if (scheme.toLowerCase() !== 'bearer' || !token || rest.length > 0)
    throw unauthorised('the Authorization header is not a bearer token')
  return verifier.verify(token).catch((error: unknown) => {
    if (error instanceof TokenError) throw unauthorised(error.message)
    throw error
  })
}

const authorise = (caller: Caller, scope: Exclude<RouteScope, 'public'>): void => {
  if (allows(caller.scopes, scope)) return
  throw new HttpProblem(
    403,
    'forbidden',
    'Not allowed',
    `this needs scope ${scope}; the token of ${caller.subject} has ${caller.scopes.join(', ') || 'none'}`,
  )
}

/** Every route says which scope it needs; who may not is refused before the body is read, and guessing tokens is slowed down. */
export const addAuth = (app: FastifyInstance, verifier: TokenVerifier, limits: AuthLimits): void => {
  const limiter = makeLimiter()
  app.decorateRequest('caller')
  app.addHook('onRoute', checkRoute)
  app.addHook('onRequest', async request => {
    if (request.is404) return
    const { scope, rateLimit } = request.routeOptions.config
    if (scope !== 'public' && scope !== undefined) {
      const guesses = `failed ${request.ip}`
      const wait = limiter.look(guesses, limits.failures)
      if (wait > 0) throw tooMany(wait)
      request.caller = await authenticate(request, verifier).catch((error: unknown) => {
        limiter.take(guesses, limits.failures)
        throw error
      })
    } else request.caller = publicCaller
    const who = scope === 'public' ? `public ${request.ip}` : request.caller.subject
    const wait = limiter.take(rateLimit ? `${request.routeOptions.url} ${who}` : who, rateLimit ?? limits.perCaller)
    if (wait > 0) throw tooMany(wait)
    if (scope !== 'public' && scope !== undefined) authorise(request.caller, scope)
  })
}

import type { Scope } from '@re-ops/protocols'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProvider,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { Caller } from '../tokens.ts'
import type { RateLimit } from './limiter.ts'

export type RouteScope = Scope | 'public'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller must hold; `public` needs no token. A route without it cannot be registered. */
    scope?: RouteScope
    /** This route's own limit per caller, instead of the app's. */
    rateLimit?: RateLimit
  }
  interface FastifyRequest {
    caller: Caller
  }
}

/** Request and reply types of a route come from its typebox schemas. */
export interface TypeBox extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBox
>

import { idempotencyKey } from '@re-ops/service'
import type { FastifyRequest } from 'fastify'
import type { Asked } from '../services/deps.ts'

/** Who asks for what, and under which Idempotency-Key. */
export const askedBy = (request: Pick<FastifyRequest, 'headers' | 'caller' | 'method' | 'url'>): Asked => ({
  subject: request.caller.subject,
  scopes: request.caller.scopes,
  route: `${request.method} ${request.url.split('?')[0]}`,
  key: idempotencyKey(request),
})

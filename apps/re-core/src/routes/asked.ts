import { HttpProblem } from '@re-ops/service'
import type { FastifyRequest } from 'fastify'
import type { Asked } from '../services/deps.ts'

const keyBytesMax = 255

/** Who asks for what, and under which Idempotency-Key. */
export const askedBy = (request: FastifyRequest): Asked => {
  const key = request.headers['idempotency-key']
  if (typeof key === 'string' && (key.length === 0 || key.length > keyBytesMax))
    throw new HttpProblem(
      400,
      'bad-idempotency-key',
      'The Idempotency-Key is not usable',
      `header idempotency-key has ${key.length} characters; allowed: 1 to ${keyBytesMax}`,
    )
  return {
    subject: request.caller.subject,
    route: `${request.method} ${request.url.split('?')[0]}`,
    key: typeof key === 'string' ? key : undefined,
  }
}

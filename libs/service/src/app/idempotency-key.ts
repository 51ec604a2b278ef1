import type { FastifyRequest } from 'fastify'
import { HttpProblem } from '../problem.ts'

/** The request's `Idempotency-Key`, checked; undefined when it has none. */
export const idempotencyKey = (request: Pick<FastifyRequest, 'headers'>): string | undefined => {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return key
  throw new HttpProblem(
    400,
    'bad-idempotency-key',
    'Bad Idempotency-Key',
    'Idempotency-Key must be 1 to 200 printable ASCII characters without spaces',
  )
}

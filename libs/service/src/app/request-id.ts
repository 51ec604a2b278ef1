import type { IncomingMessage } from 'node:http'
import { newId } from '@re-ops/protocols'

const acceptable = /^[A-Za-z0-9._-]{8,64}$/
/** The caller's `x-request-id` when it is harmless, else a new one. */
export const requestIdOf = (request: Pick<IncomingMessage, 'headers'>): string => {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && acceptable.test(given) ? given : newId()
}

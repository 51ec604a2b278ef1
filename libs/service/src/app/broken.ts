import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { newId } from '@re-ops/protocols'
import { HttpProblem, problemBody } from '../problem.ts'

const problemOf = (code: string | undefined): HttpProblem => {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpProblem(408, 'request-timeout', 'Request timeout', 'the request did not arrive whole in time')
    case 'HPE_HEADER_OVERFLOW':
      return new HttpProblem(
        431,
        'headers-too-large',
        'Headers too large',
        'the request line and headers are larger than the 16384 bytes allowed',
      )
    default:
      return new HttpProblem(400, 'not-http', 'Not HTTP', 'the bytes are no HTTP/1.1 request; see /docs')
  }
}

/** How long a client that was refused may go on sending. */
const lingerMs = 1_000
const lingering = new WeakSet<Socket>()

/**
 * Answers what never became a request: bytes that are not HTTP, endless headers, one that stays half. What the client still
 * sends is read and dropped for a while: to close over unread bytes resets the connection, and the answer may go with it.
 */
export const refuseBroken = (error: Error & { readonly code?: string }, socket: Socket): void => {
  if (lingering.has(socket)) return // the rest of the same, which is no HTTP either
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error)
    return
  }
  lingering.add(socket)
  const problem = problemOf(error.code)
  const body = JSON.stringify(problemBody(problem, newId()))
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nconnection: close\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  const cut = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(cut))
}

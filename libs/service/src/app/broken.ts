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

/** Answers what never became a request: bytes that are not HTTP, endless headers, one that stays half. */
export const refuseBroken = (error: Error & { readonly code?: string }, socket: Socket): void => {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const problem = problemOf(error.code)
    const body = JSON.stringify(problemBody(problem, newId()))
    socket.write(
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nconnection: close\r\n` +
        `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  }
  socket.destroy(error)
}

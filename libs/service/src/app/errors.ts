import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isConnectionLost } from '../postgres/lost.ts'
import { HttpProblem, problemBody } from '../problem.ts'

const bodyOf = (code: string | undefined, bodyBytesMax: number): HttpProblem | undefined => {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpProblem(
        413,
        'body-too-large',
        'Body too large',
        `/body is larger than the ${bodyBytesMax} bytes allowed`,
      )
    case 'FST_ERR_BAD_URL':
      return new HttpProblem(
        400,
        'bad-url',
        'Bad URL',
        'the path holds a % that does not begin an encoded character, such as %20',
      )
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new HttpProblem(
        414,
        'url-too-long',
        'URL too long',
        `a part of the path is longer than the ${pathPartMax} characters allowed`,
      )
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpProblem(
        415,
        'unsupported-media-type',
        'Unsupported media type',
        'content-type must be application/json',
      )
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new HttpProblem(400, 'malformed-json', 'Malformed JSON', '/body is not valid JSON', {
        errors: [{ path: '/body', message: 'must be valid JSON' }],
      })
    default:
      return undefined
  }
}

/** Whether Postgres says that it cannot hold a text: by SQLSTATE. */
const isUnstorable = (code: string | undefined, message: string | undefined): boolean =>
  code === '22021' || code === '22P05' || (code === '22P02' && message === 'invalid input syntax for type json')
/** Of one part of a path between slashes. */
export const pathPartMax = 200
const shownMax = 200
const shown = (text: string): string => (text.length > shownMax ? `${text.slice(0, shownMax)}...` : text)

/** Any error as the problem a caller may see; what we did not foresee says only where to look. */
export const asProblem = (error: unknown, requestId: string, bodyBytesMax: number): HttpProblem => {
  if (error instanceof HttpProblem) return error
  if (isConnectionLost(error)) {
    return new HttpProblem(
      503,
      'database-unavailable',
      'Database unavailable',
      'Postgres cannot be reached now; try again',
      {
        retryAfterMs: 1000,
      },
    )
  }
  const { code, statusCode, message } = error as Partial<FastifyError>
  if (isUnstorable(code, message))
    return new HttpProblem(
      400,
      'bad-text',
      'Bad text',
      'a text of the request holds the character NUL (\\u0000) or half a surrogate pair; allowed is all other Unicode',
    )
  const body =
    error instanceof SyntaxError ? bodyOf('FST_ERR_CTP_INVALID_JSON_BODY', bodyBytesMax) : bodyOf(code, bodyBytesMax)
  if (body) return body
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HttpProblem(statusCode, 'bad-request', 'Bad request', message ?? 'the request cannot be understood')
  }
  return new HttpProblem(500, 'internal', 'Internal error', `look for request id ${requestId} in the service's log`)
}

export const sendProblem = (problem: HttpProblem, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  if (problem.retryAfterMs !== undefined)
    void reply.header('retry-after', String(Math.ceil(problem.retryAfterMs / 1000)))
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer')
  // Fastify would cut the connection here, and a caller still sending its large body never read why.
  reply.removeHeader('connection')
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer(String)
    .send(JSON.stringify(problemBody(problem, request.id)))
}

export const addErrors = (app: FastifyInstance, bodyBytesMax: number): void => {
  app.setErrorHandler((error, request, reply) => {
    const problem = asProblem(error, request.id, bodyBytesMax)
    if (problem.status >= 500) request.log.error({ err: error, status: problem.status }, 'request failed')
    return sendProblem(problem, request, reply)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      new HttpProblem(
        404,
        'no-route',
        'Not found',
        `there is no ${request.method} ${shown(request.url.split('?')[0] ?? '')}; see /docs`,
      ),
      request,
      reply,
    ),
  )
}

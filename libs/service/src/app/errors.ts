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
        `there is no ${request.method} ${request.url.split('?')[0]}; see /docs`,
      ),
      request,
      reply,
    ),
  )
}

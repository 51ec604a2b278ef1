import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Problem } from '@re-ops/protocols'
import { ClientError } from './error.ts'

/** Where a service is and how patient the client is with it. */
export type Service = {
  /** For messages: `re-mote` or `re-core`. */
  readonly name: string
  readonly url: string | undefined
  readonly token: Token
  readonly fetch: typeof fetch
  readonly timeoutMs: number
  readonly retriesMax: number
  readonly retryDelayMs: number
  readonly bodyBytesMax: number
}
/** A token, or how to get one: asked before every request, so that a short-lived one can be renewed. */
export type Token = string | (() => string | Promise<string>)

export type CallOptions = {
  readonly signal?: AbortSignal
  /** Of each attempt. Default: the client's `timeoutMs`. */
  readonly timeoutMs?: number
  /** Idempotency key of a creating POST; made when absent. Give the same one to ask for the same thing again later. */
  readonly key?: string
  /** Travels into the logs of all services. */
  readonly requestId?: string
}

type Request = CallOptions & {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly bytes?: Uint8Array
}

export const urlOf = (service: Service, path: string): string => {
  if (service.url === undefined) throw new ClientError('unreachable', `no address of ${service.name} is configured`)
  // Told here, without the address: the error of the platform would show it.
  if (/^[^/]*:\/\/[^/]*@/.test(service.url))
    throw new ClientError('unreachable', `the address of ${service.name} holds a user or a password; allowed: a token`)
  return `${service.url.replace(/\/+$/, '')}${path}`
}

export const authorized = async (service: Service): Promise<Record<string, string>> => {
  const token = typeof service.token === 'string' ? service.token : await service.token()
  // Told here, without the token: the error of the platform would show it.
  if (/[^\x21-\x7e]/.test(token))
    throw new ClientError('denied', 'the API token holds a space, a line break or a character that is not ASCII')
  return token === '' ? {} : { authorization: `Bearer ${token}` }
}

/** What the network said, as one short phrase. */
const networkReason = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = (cause as { code?: unknown } | undefined)?.code
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND') return 'no such host name'
  const message = cause instanceof Error ? cause.message : String(cause)
  return (typeof code === 'string' && !message.includes(code) ? `${code} ${message}` : message).split('\n')[0] as string
}

export const unreachable = (service: Service, why: unknown): ClientError =>
  new ClientError(
    'unreachable',
    `${service.name} at ${service.url ?? '(no address)'} is unreachable: ${typeof why === 'string' ? why : networkReason(why)}`,
    { cause: why },
  )

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' &&
  body !== null &&
  typeof (body as Problem).type === 'string' &&
  typeof (body as Problem).title === 'string'

/** An answer that is not 2xx, as an error. */
export const refused = (service: Service, url: string, status: number, text: string): ClientError => {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined // a proxy's page, or nothing: the status has to do
  }
  const problem = isProblem(body) ? body : undefined
  const said = problem ? problem.detail || problem.title : `answered ${status}`
  const more = { status, ...(problem ? { problem } : {}) }
  if (status === 401 || status === 403) return new ClientError('denied', `${service.name} at ${url}: ${said}`, more)
  if (problem && status < 500) return new ClientError('problem', said, more)
  if (status >= 500 || status === 429)
    return new ClientError(status === 500 ? 'problem' : 'unreachable', `${service.name} at ${url}: ${said}`, more)
  return new ClientError('malformed', `${url} answered ${status} without saying why; is it ${service.name}?`, more)
}

/** The body as text, refused beyond the limit before it fills the memory. */
const textOf = async (response: Response, url: string, bytesMax: number): Promise<string> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) throw new ClientError('malformed', `${url} answered with more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const parsed = (text: string, url: string, service: Service): unknown => {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ClientError('malformed', `${url} did not answer with JSON; is it ${service.name}?`, { cause: error })
  }
}

type Attempt = { ok: true; value: unknown } | { ok: false; error: ClientError; retry: boolean; afterMs?: number }

const attempt = async (
  service: Service,
  url: string,
  request: Request,
  headers: Record<string, string>,
): Promise<Attempt> => {
  const timeoutMs = request.timeoutMs ?? service.timeoutMs
  const deadline = AbortSignal.timeout(timeoutMs)
  try {
    const response = await service.fetch(url, {
      method: request.method,
      headers: { ...headers, ...(await authorized(service)) },
      signal: request.signal ? AbortSignal.any([request.signal, deadline]) : deadline,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(request.bytes === undefined ? {} : { body: request.bytes as Uint8Array<ArrayBuffer> }),
    })
    const text = await textOf(response, url, service.bodyBytesMax)
    if (response.ok) return { ok: true, value: parsed(text, url, service) }
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
    return {
      ok: false,
      error: refused(service, url, response.status, text),
      retry: response.status === 429 || response.status === 502 || response.status === 503 || response.status === 504,
      ...(Number.isFinite(seconds) ? { afterMs: seconds * 1000 } : {}),
    }
  } catch (error) {
    request.signal?.throwIfAborted()
    if (error instanceof ClientError) return { ok: false, error, retry: false }
    if (deadline.aborted)
      return { ok: false, error: unreachable(service, `no answer within ${timeoutMs} ms`), retry: false }
    return { ok: false, error: unreachable(service, error), retry: true }
  }
}

const retryDelayMaxMs = 5_000

/**
 * One request, sent again when the connection breaks or the service says "not now" (429, 502-504), each time with the
 * same Idempotency-Key: a reply lost on the way does not do the thing twice. Throws ClientError, or the reason of
 * `signal`. Only POST without a key would be unsafe to repeat, and there is none.
 */
export const send = async (service: Service, request: Request): Promise<unknown> => {
  const url = urlOf(service, request.path)
  const headers: Record<string, string> = {
    accept: 'application/json',
    ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(request.bytes === undefined ? {} : { 'content-type': 'application/octet-stream' }),
    ...(request.method === 'POST' ? { 'idempotency-key': request.key ?? randomUUID() } : {}),
    ...(request.requestId === undefined ? {} : { 'x-request-id': request.requestId }),
  }
  for (let tries = 0; ; tries += 1) {
    request.signal?.throwIfAborted()
    const answer = await attempt(service, url, request, headers)
    if (answer.ok) return answer.value
    if (!answer.retry || tries >= service.retriesMax) throw answer.error
    const backoffMs = service.retryDelayMs * 2 ** tries * (0.5 + Math.random())
    await wait(
      Math.min(answer.afterMs ?? backoffMs, retryDelayMaxMs),
      undefined,
      request.signal ? { signal: request.signal } : {},
    )
  }
}

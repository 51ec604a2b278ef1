import type { AxiosError, AxiosInstance, AxiosResponse } from 'axios'
import type { createApiClient } from 'dots-wrapper'
import type { CallClass, Limiter } from '@re-ops/protocols'
import { classifyDo, DoRefusal, DoSilence } from './errors.ts'

export type DoClientDeps = {
  readonly endpoint: string | undefined
  readonly token: string
  readonly limiter: Limiter
}
export type CallKind = {
  readonly callClass: CallClass
  readonly mutates: boolean
  /** Its turn was taken before. */
  readonly hasTurn?: boolean
}
/** dots-wrapper's client, and the HTTP client below it for what dots-wrapper does not have. */
export type DoApi = ReturnType<typeof createApiClient>
export type Http = AxiosInstance
export type DoCall = <T>(
  kind: CallKind,
  signal: AbortSignal,
  ask: (api: DoApi, http: Http) => Promise<{ readonly data: T }>,
) => Promise<T>

export const reading: CallKind = { callClass: 'poll', mutates: false }
export const listing: CallKind = { callClass: 'list', mutates: false }
export const acting: CallKind = { callClass: 'act', mutates: true }
export const creating: CallKind = { callClass: 'create', mutates: true }
/** Looks that a create or a destroy depends on are as urgent as it is. */
export const creatingLook: CallKind = { callClass: 'create', mutates: false }
export const destroying: CallKind = { callClass: 'destroy', mutates: true }
export const destroyingLook: CallKind = { callClass: 'destroy', mutates: false }

const standardEndpoint = 'https://api.digitalocean.com'
const answerMs = 15_000
const answerBytesMax = 16 * 1024 * 1024
const messageMax = 300

const headerOf = (response: AxiosResponse, name: string): string | undefined => {
  const value: unknown = response.headers[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}
const secondsOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined

/** From a client's error only what is ours to tell: never its request, which holds the token. */
const plain = ({ response, code }: AxiosError, token: string): DoRefusal | DoSilence => {
  if (response === undefined)
    return new DoSilence(
      code === 'ECONNABORTED' || code === 'ERR_CANCELED' || code === 'ETIMEDOUT'
        ? 'DigitalOcean did not answer before the deadline'
        : `DigitalOcean did not answer (${(code ?? 'the connection broke').slice(0, 40)})`,
    )
  const body = (typeof response.data === 'object' && response.data !== null ? response.data : {}) as {
    id?: unknown
    message?: unknown
    request_id?: unknown
  }
  const text = (value: unknown) =>
    typeof value === 'string' ? value.replaceAll(token, '***').slice(0, messageMax) : ''
  const retryAfterMs = secondsOf(headerOf(response, 'retry-after'))
  const requestId = text(body.request_id)
  return new DoRefusal(response.status, text(body.id), text(body.message), {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(requestId === '' ? {} : { requestId }),
  })
}

const load = async () => {
  const [{ default: axios }, dots] = await Promise.all([import('axios'), import('dots-wrapper')])
  return { axios, modules: dots.modules ?? (dots as unknown as { default: typeof dots }).default.modules }
}

/** One after the other: who gets no turn of the minute takes none of the hour. */
export const takeTurn = async (limiter: Limiter, { callClass }: CallKind, signal: AbortSignal): Promise<void> => {
  for (const family of ['minute', 'hour']) await limiter.take(family, callClass, signal)
}

/**
 * dots-wrapper on an axios of our own: each call waits for its turn, has a deadline and a signal, follows no redirect,
 * and fails with an error that holds nothing of the request. Nothing is sent twice by itself.
 */
export const makeCall = ({ endpoint = standardEndpoint, token, limiter }: DoClientDeps): DoCall => {
  let loaded: ReturnType<typeof load> | null = null
  const baseURL = `${endpoint.replace(/\/$/, '')}/v2`

  const httpFor = ({ axios }: Awaited<ReturnType<typeof load>>, signal: AbortSignal): Http => {
    const http = axios.create({
      baseURL,
      timeout: answerMs,
      maxRedirects: 0,
      maxContentLength: answerBytesMax,
      headers: { Authorization: `Bearer ${token}` },
    })
    http.interceptors.request.use(config => Object.assign(config, { signal }))
    http.interceptors.response.use(
      response => {
        const remaining = headerOf(response, 'ratelimit-remaining')
        if (remaining !== undefined && /^\d+$/.test(remaining)) limiter.told('hour', { remaining: Number(remaining) })
        return response
      },
      (error: unknown) => {
        throw axios.isAxiosError(error) ? plain(error, token) : error
      },
    )
    return http
  }

  return async (kind, signal, ask) => {
    const { mutates } = kind
    if (kind.hasTurn !== true) await takeTurn(limiter, kind, signal)
    const parts = await (loaded ??= load())
    const httpClient = httpFor(parts, signal)
    // The types of axios as a module and as CommonJS, which dots-wrapper has, are not the same to the compiler.
    const createContext = (() => ({ endpoint: baseURL, httpClient })) as never
    const api = parts.modules.common.createApiClient({ modules: parts.modules, createContext })({ token: '' })
    try {
      return (await ask(api, httpClient)).data
    } catch (error) {
      const refused = classifyDo(error, mutates)
      if (refused.kind === 'throttled') {
        const { retryAfterMs } = refused
        limiter.told('minute', { throttled: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
      }
      throw refused
    }
  }
}

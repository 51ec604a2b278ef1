import { makeCore, type Core } from './core.ts'
import type { Service, Token } from './http.ts'
import { makeMote, type Mote } from './mote.ts'

export type ClientConfig = {
  readonly coreUrl?: string
  readonly moteUrl?: string
  /** An API token, or how to get one (asked before every request). */
  readonly token: Token
  /** Of each attempt of a request. Default 30 s. */
  readonly timeoutMs?: number
  /** How often a request is sent again after a broken connection or a "not now". Default 4, with growing pauses. */
  readonly retriesMax?: number
  /** The first pause. Default 100 ms. */
  readonly retryDelayMs?: number
  /** Of an answer. Default 256 MiB. */
  readonly bodyBytesMax?: number
  /** For tests. */
  readonly fetch?: typeof fetch
}
export type Client = { readonly core: Core; readonly mote: Mote }

/** The typed client of both HTTP APIs. A service without an address is `unreachable` when it is called. */
export const makeClient = (config: ClientConfig): Client => {
  const service = (name: string, url: string | undefined): Service => ({
    name,
    url,
    token: config.token,
    fetch: config.fetch ?? fetch,
    timeoutMs: config.timeoutMs ?? 30_000,
    retriesMax: config.retriesMax ?? 4,
    retryDelayMs: config.retryDelayMs ?? 100,
    bodyBytesMax: config.bodyBytesMax ?? 268_435_456,
  })
  return { core: makeCore(service('re-core', config.coreUrl)), mote: makeMote(service('re-mote', config.moteUrl)) }
}

import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Awake } from './awake.ts'

export type Answer = { status: number; body: unknown }
/** The two HTTP APIs as a client that expects them to die: the same request, with the same key, until it is answered. */
export type Api = {
  post(url: string, body: unknown): Promise<Answer>
  get(url: string): Promise<Answer>
  delete(url: string): Promise<Answer>
  /** How often a request had to be sent again, by why. */
  repeats(): ReadonlyMap<string, number>
}

/** Long, for a run that we believe refused and the service accepted is one whose results we do not know. */
const giveUpAfterMs = 180_000
const pauseMs = 150
const requestTimeoutMs = 15_000

export const makeApi = (token: string, awake: Awake): Api => {
  const repeats = new Map<string, number>()
  const repeat = (why: string) => repeats.set(why, (repeats.get(why) ?? 0) + 1)
  const send = async (method: string, url: string, body?: unknown): Promise<Answer> => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    if (method === 'POST') headers['idempotency-key'] = randomUUID()
    if (body !== undefined) headers['content-type'] = 'application/json'
    const until = awake.now() + giveUpAfterMs
    for (;;) {
      try {
        const response = await fetch(url, {
          method,
          headers,
          signal: AbortSignal.timeout(requestTimeoutMs),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        const text = await response.text()
        if (response.status < 500 && response.status !== 429)
          return { status: response.status, body: text === '' ? null : JSON.parse(text) }
        if (awake.now() > until) throw new Error(`${method} ${url}: ${response.status} ${text.slice(0, 200)}`)
        repeat(`${response.status} ${text.slice(0, 100)}`)
      } catch (error) {
        if (awake.now() > until) throw error
        repeat(error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error))
      }
      await wait(pauseMs)
    }
  }
  return {
    post: (url, body) => send('POST', url, body),
    get: url => send('GET', url),
    delete: url => send('DELETE', url),
    repeats: () => repeats,
  }
}

import { setTimeout as wait } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { ClientError } from './error.ts'
import { authorized, refused, unreachable, urlOf, type Service } from './http.ts'

export type EventOptions = {
  readonly signal?: AbortSignal
  /** Without a byte (keep-alive comments count) for so long the connection is taken for dead. Default 60 s. */
  readonly idleMs?: number
  /** How long to try to connect again before giving up. Default 60 s; Infinity for a follower that has a `signal`. */
  readonly reconnectForMs?: number
}

const eventBytesMax = 16 * 1_048_576

const jsonOf = (text: string, path: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ClientError('malformed', `an event of ${path} is not JSON`, { cause: error })
  }
}

/** One connection: `null` when it is open, then its events, until the server ends it. Throws ClientError when it cannot be opened, breaks or falls silent. */
async function* connection(
  service: Service,
  path: string,
  options: EventOptions,
  onBytes: () => void,
): AsyncGenerator<EventSourceMessage | null> {
  const url = urlOf(service, path)
  const idleMs = options.idleMs ?? 60_000
  const ended = new AbortController()
  const silence = setTimeout(() => ended.abort(unreachable(service, `no event or keep-alive for ${idleMs} ms`)), idleMs)
  const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal
  try {
    const response = await service.fetch(url, {
      headers: { accept: 'text/event-stream', ...(await authorized(service)) },
      signal,
    })
    if (!response.ok) throw refused(service, url, response.status, await response.text())
    if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
      throw new ClientError('malformed', `${url} did not answer with events; is it ${service.name}?`)
    yield null
    let ready: EventSourceMessage[] = []
    const parser = createParser({ onEvent: event => ready.push(event), maxBufferSize: eventBytesMax })
    const decoder = new TextDecoder()
    for await (const bytes of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      silence.refresh()
      onBytes()
      parser.feed(decoder.decode(bytes, { stream: true }))
      const events = ready
      ready = []
      yield* events
    }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (error instanceof ClientError) throw error
    throw unreachable(service, ended.signal.aborted ? 'the event stream fell silent' : error)
  } finally {
    clearTimeout(silence)
    ended.abort()
  }
}

/**
 * Events of a path over as many connections as it takes. `onConnect` runs after each (re)connect and gives what to say
 * first: the state read again, so that nothing which happened between two connections is missed. Ends when `last`
 * says so; otherwise only by `signal`, or with ClientError after `reconnectForMs` without a connection.
 */
export async function* follow<T>(
  service: Service,
  path: string,
  plan: {
    read: (event: string, data: unknown) => T | undefined
    onConnect?: () => Promise<readonly T[]>
    last?: (value: T) => boolean
  },
  options: EventOptions = {},
): AsyncGenerator<T> {
  const patienceMs = options.reconnectForMs ?? 60_000
  let aliveAt = performance.now()
  let tries = 0
  const alive = () => {
    aliveAt = performance.now()
    tries = 0
  }
  for (;;) {
    try {
      for await (const message of connection(service, path, options, alive)) {
        const read = message && plan.read(message.event ?? 'message', jsonOf(message.data, path))
        const values = message === null ? ((await plan.onConnect?.()) ?? []) : read === undefined ? [] : [read as T]
        for (const value of values) {
          yield value
          if (plan.last?.(value)) return
        }
      }
    } catch (error) {
      options.signal?.throwIfAborted()
      const transient = error instanceof ClientError && error.kind === 'unreachable'
      if (!transient || performance.now() - aliveAt > patienceMs) throw error
    }
    if (performance.now() - aliveAt > patienceMs) throw unreachable(service, 'its event stream ends again and again')
    tries += 1
    const delayMs = Math.min(service.retryDelayMs * 2 ** Math.min(tries, 6), 5_000) * (0.5 + Math.random())
    await wait(delayMs, undefined, options.signal ? { signal: options.signal } : {})
  }
}

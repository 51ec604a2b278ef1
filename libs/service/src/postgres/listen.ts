import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../log.ts'

export type ListenOptions = {
  readonly url: string
  readonly channels: readonly string[]
  readonly onNotify: (channel: string, payload: string) => void
  /** Called each time the channels are live: notifications sent before are gone, so look at the tables now. */
  readonly onConnect: () => void
  readonly log: Log
  readonly checkEveryMs?: number
}
export type Listener = { connected(): boolean; close(): Promise<void> }

const waitMs = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 7), 5000) * (0.5 + Math.random())

/** One connection's life: resolves when it is lost or `signal` aborts. */
const session = async (options: ListenOptions, signal: AbortSignal, onLive: () => void): Promise<void> => {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 're-ops listen',
    keepAlive: true,
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
  })
  const lost = new Promise<void>(resolve => {
    client.on('error', error => {
      options.log.debug({ err: error }, 'the listening connection reported an error')
      resolve()
    })
    client.on('end', () => resolve())
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  client.on('notification', ({ channel, payload }) => options.onNotify(channel, payload ?? ''))
  // A peer that vanished without a FIN is found by asking now and then.
  let asking = true // until the channels are live
  const check = setInterval(() => {
    if (asking) return
    asking = true
    client.query('select 1').then(
      () => (asking = false),
      () => client.end(),
    )
  }, options.checkEveryMs ?? 15_000)
  check.unref()
  try {
    await client.connect()
    for (const channel of options.channels) await client.query(`listen ${pg.escapeIdentifier(channel)}`)
    asking = false
    onLive()
    await lost
  } finally {
    clearInterval(check)
    await client.end().catch((error: Error) => options.log.debug({ err: error }, 'closing the listening connection'))
  }
}

/** Listens on channels for ever: a lost connection is opened again with jitter (50 ms to 5 s), however long it takes. */
export const listen = (options: ListenOptions): Listener => {
  const stopped = new AbortController()
  let live = false
  const run = async (): Promise<void> => {
    for (let attempt = 0; !stopped.signal.aborted; attempt++) {
      await session(options, stopped.signal, () => {
        live = true
        attempt = 0
        options.onConnect()
      }).catch((error: unknown) => options.log.warn({ err: error }, 'cannot listen on Postgres; trying again'))
      live = false
      if (stopped.signal.aborted) return
      await delay(waitMs(attempt), undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }
  const finished = run()
  return {
    connected: () => live,
    close: async () => {
      stopped.abort()
      await finished
    },
  }
}

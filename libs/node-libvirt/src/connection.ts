import { setTimeout as wait } from 'node:timers/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { dialOf, type Dial } from './dial.ts'
import { LinkError } from './errors.ts'
import type { KeepAlive } from './keep-alive.ts'
import type { Call, Link } from './link.ts'
import { closeSession, openSession } from './session.ts'
import { parseUri, type Places } from './uri.ts'

export type ConnectOptions = {
  /** Refuses everything that changes; libvirtd checks it. */
  readonly readOnly?: boolean | undefined
  /** Makes the byte stream, in place of what the URI says: `driver` is then the whole URI. */
  readonly dial?: ((signal: AbortSignal) => Promise<Duplex>) | undefined
  /** 15,000 unless told: the first connection to a libvirtd that just started takes about 9 s. */
  readonly connectTimeoutMs?: number | undefined
  readonly keepAlive?: Partial<KeepAlive> | undefined
  /** Between attempts, doubling from the first to the last, each shortened at random by up to half. */
  readonly backOffMs?: { readonly first: number; readonly last: number } | undefined
  readonly places?: Partial<Places> | undefined
  /** An idle connection does not keep the process; calls under way do. */
  readonly unref?: boolean | undefined
}

/** What the families are made of: calls on whichever link there is, and links for one stream alone. */
export type Connection = {
  /** Connects when there is no link. A call that was sent is never sent again. */
  readonly call: Call
  /** The link that is, or is being made; its listeners have been called. */
  linked(): Promise<Link>
  /** A link of its own, which its user ends. */
  own(): Promise<Link>
  /** Called with each new link, before any call is made on it. */
  onLink(listener: (link: Link) => void): void
  onEvent(listener: (procedure: number, body: Buffer) => void): void
  /** While held, a lost link is made again without a call that asks for it. */
  hold(): () => void
  close(): Promise<void>
}

/** Where this user's and the system's libvirtd listen. */
export const standardPlaces = (environment: Readonly<Record<string, string | undefined>>): Places => {
  const runtime = environment['XDG_RUNTIME_DIR'] ?? join(homedir(), '.cache')
  return { systemSocket: '/var/run/libvirt/libvirt-sock', sessionSocket: join(runtime, 'libvirt/libvirt-sock') }
}

const defaults = { connectTimeoutMs: 15_000, backOffMs: { first: 100, last: 10_000 } }

const orAborted = async <T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return promise
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(new LinkError('aborted', false, 'the call was aborted'))
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}

const wayOf = (uri: string, { dial, places }: ConnectOptions): { dial: Dial; driver: string } => {
  if (dial !== undefined) return { dial, driver: uri }
  const target = parseUri(uri, { ...standardPlaces(process.env), ...places })
  return { dial: dialOf(target), driver: target.driver }
}

/** Throws UriError for a URI that is not understood. Nothing is connected yet. */
export const makeConnection = (uri: string, options: ConnectOptions = {}): Connection => {
  const { dial, driver } = wayOf(uri, options)
  const { readOnly = false, keepAlive, connectTimeoutMs = defaults.connectTimeoutMs } = options
  const backOffMs = options.backOffMs ?? defaults.backOffMs
  const closing = new AbortController()
  const linkListeners: ((link: Link) => void)[] = []
  const eventListeners: ((procedure: number, body: Buffer) => void)[] = []
  const onEvent = (procedure: number, body: Buffer) => {
    for (const listener of eventListeners) listener(procedure, body)
  }
  let current: Promise<Link> | null = null
  let failures = 0
  let holds = 0

  const opened = async (settings: { keepAlive: Partial<KeepAlive> | null | undefined }): Promise<Link> => {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(connectTimeoutMs)])
    const duplex = await dial(signal).catch((error: unknown) => {
      if (error instanceof LinkError) throw error
      throw new LinkError('refused', false, (error as Error).message)
    })
    if (options.unref === true) (duplex as { unref?: () => void }).unref?.()
    return openSession(duplex, { driver, readOnly, connectTimeoutMs, onEvent, ...settings })
  }
  const attempt = async (): Promise<Link> => {
    if (failures > 0) {
      const ms = Math.min(backOffMs.last, backOffMs.first * 2 ** Math.min(failures - 1, 20))
      await wait(ms * (1 - Math.random() / 2), undefined, { signal: closing.signal, ref: holds === 0 })
    }
    const link = await opened({ keepAlive })
    if (closing.signal.aborted) link.end('closed', 'it was closed')
    failures = 0
    for (const listener of linkListeners) listener(link)
    void link.ended.then(() => {
      current = null
      again()
    })
    return link
  }
  const closed = () => new LinkError('closed', false, 'the connection was closed')
  const link = (): Promise<Link> => {
    if (closing.signal.aborted) return Promise.reject(closed())
    return (current ??= attempt().catch((error: unknown) => {
      current = null
      failures += 1
      again()
      if (closing.signal.aborted) throw closed()
      // Of the caller's call nothing was sent, whatever came of those that connect.
      throw error instanceof LinkError ? new LinkError('refused', false, error.message) : error
    }))
  }
  /** Nobody waits for it: the next attempt, or the next call, tells what is wrong. */
  const again = (): void => {
    if (holds > 0 && !closing.signal.aborted) queueMicrotask(() => void link().catch(() => undefined))
  }
  return {
    call: async (procedure, args, call) => (await orAborted(link(), call?.signal)).call(procedure, args, call),
    linked: link,
    own: () => opened({ keepAlive: null }),
    onLink: listener => void linkListeners.push(listener),
    onEvent: listener => void eventListeners.push(listener),
    hold: () => {
      holds += 1
      again()
      return () => void (holds -= 1)
    },
    close: async () => {
      const last = current
      closing.abort()
      await last?.then(closeSession, () => undefined)
    },
  }
}

import type { Client } from 'ssh2'
import { makeChannels, type Channels } from './channels.ts'
import { connectHop } from './connect.ts'
import type { CredentialDeps } from './credentials.ts'
import type { SshHost } from './host.ts'
import { sshLimits } from './limits.ts'
import { opensshSession } from './openssh.ts'
import { SshRefused } from './refused.ts'
import type { Session } from './remote.ts'
import { routeTo, type Hop, type RouteDeps } from './route.ts'
import { ssh2Session } from './ssh2-session.ts'
import { makeTurns } from './turns.ts'

/** The use of a connection, until it is released. */
export type Lease = { readonly channels: Channels; readonly user: string; release(): void }
export type Pool = {
  /** A connection to the host: the one that stands, or a new one. Throws SshRefused, or the signal's reason. */
  use(host: SshHost, signal: AbortSignal): Promise<Lease>
  /** Forgets the connections that stand; calls that use one go on. For proofs of cold starts. */
  empty(): void
  readonly size: number
  close(): void
}
export type PoolDeps = RouteDeps & CredentialDeps

type Entry = {
  readonly id: string
  readonly opened: Promise<Opened>
  readonly stop: AbortController
  uses: number
  usedAt: number
  /** Nobody gets it any more; it is closed when the last use ends. */
  forgotten: boolean
}
type Opened = {
  readonly channels: Channels
  readonly session: Session
  readonly client: Client | null
  release(): void
}

/**
 * Connections by the way that leads there. Each is made once, however many ask for it, and kept while it is used or was a moment ago. A
 * connection through jump hosts uses theirs.
 */
export const makePool = (deps: PoolDeps): Pool => {
  const entries = new Map<string, Entry>()
  const shakes = makeTurns(sshLimits.handshakesMax, sshLimits.waitingMax, 'a handshake')
  const room = makeTurns(sshLimits.connectionsMax, sshLimits.waitingMax, 'a connection')

  const shut = (entry: Entry) => {
    entry.forgotten = true
    if (entries.get(entry.id) === entry) entries.delete(entry.id)
    entry.stop.abort(new SshRefused('connection', 'the connection is not wanted any more'))
    entry.opened.then(
      ({ channels, release }) => {
        channels.close()
        release()
      },
      () => undefined, // it never stood
    )
  }
  const forget = (entry: Entry) => {
    entry.forgotten = true
    if (entries.get(entry.id) === entry) entries.delete(entry.id)
    if (entry.uses === 0) shut(entry)
  }
  const release = (entry: Entry) => {
    entry.uses -= 1
    entry.usedAt = performance.now()
    if (entry.uses === 0 && entry.forgotten) shut(entry)
  }
  /** Closes the one that nobody has used for longest, when there is one and somebody waits for room. */
  const makeRoom = () => {
    let oldest: Entry | undefined
    for (const entry of entries.values())
      if (entry.uses === 0 && (oldest === undefined || entry.usedAt < oldest.usedAt)) oldest = entry
    if (oldest) shut(oldest)
  }
  const enter = (id: string, open: (signal: AbortSignal, onBroken: () => void) => Promise<Opened>): Entry => {
    const found = entries.get(id)
    if (found) {
      found.uses += 1
      return found
    }
    const stop = new AbortController()
    const entry: Entry = {
      id,
      stop,
      uses: 1,
      usedAt: performance.now(),
      forgotten: false,
      opened: open(stop.signal, () => forget(entry)),
    }
    // A way that cannot be opened now is tried anew by who asks next.
    entry.opened.catch(() => forget(entry))
    entries.set(id, entry)
    return entry
  }
  const withRoom = async <T extends object>(
    signal: AbortSignal,
    open: (leave: () => void) => Promise<T>,
  ): Promise<T> => {
    if (entries.size > sshLimits.connectionsMax) makeRoom()
    const leave = await room.take(signal)
    return open(leave).catch((error: unknown) => {
      leave()
      throw error
    })
  }
  const openHop = async (
    hop: Hop,
    through: Entry | null,
    signal: AbortSignal,
    onBroken: () => void,
  ): Promise<Opened> => {
    const before = through ? await through.opened : null
    return withRoom(signal, async leave => {
      const turn = await shakes.take(signal)
      const client = await connectHop(deps, hop, before?.client ?? null, signal).finally(turn)
      const session = ssh2Session(client, onBroken)
      const done = () => {
        leave()
        if (through) release(through)
      }
      return { channels: makeChannels(session), session, client, release: once(done) }
    })
  }
  /** The entry of the last hop; each holds the one before it. */
  const enterRoute = (hops: readonly Hop[], ids: readonly string[], at: number): Entry => {
    const hop = hops[at] as Hop
    return enter(ids[at] as string, async (signal, onBroken) => {
      const through = at === 0 ? null : enterRoute(hops, ids, at - 1)
      try {
        return await openHop(hop, through, signal, onBroken)
      } catch (error) {
        if (through) release(through)
        throw error
      }
    })
  }
  const enterOpenssh = (host: SshHost, hops: readonly Hop[], id: string): Entry =>
    enter(`openssh ${host.id} ${id}`, (signal, onBroken) =>
      withRoom(signal, async leave => {
        const { session, clean } = await opensshSession(deps, host, hops, onBroken)
        const done = () => {
          leave()
          clean()
        }
        return { channels: makeChannels(session), session, client: null, release: once(done) }
      }),
    )

  const sweep = setInterval(() => {
    const oldest = performance.now() - sshLimits.idleMs
    for (const entry of entries.values()) if (entry.uses === 0 && entry.usedAt < oldest) shut(entry)
  }, sshLimits.idleCheckMs)

  return {
    use: async (host, signal) => {
      const { hops, ids } = await routeTo(deps, host)
      const last = hops.at(-1) as Hop
      const entry =
        host.settings.backend === 'openssh'
          ? enterOpenssh(host, hops, ids.at(-1) as string)
          : enterRoute(hops, ids, hops.length - 1)
      try {
        const { channels } = await until(entry.opened, signal)
        return { channels, user: last.user, release: once(() => release(entry)) }
      } catch (error) {
        release(entry)
        throw error
      }
    },
    empty: () => {
      for (const entry of entries.values()) forget(entry)
    },
    get size() {
      return entries.size
    },
    close: () => {
      clearInterval(sweep)
      for (const entry of entries.values()) shut(entry)
    },
  }
}

const once = (act: () => void): (() => void) => {
  let done = false
  return () => {
    if (done) return
    done = true
    act()
  }
}

/** Stops waiting when the signal fires; what is waited for goes on, for others. */
const until = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  const { promise: fired, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([promise, fired]).finally(() => signal.removeEventListener('abort', abort))
}

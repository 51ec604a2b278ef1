import type { Dial, Wire } from '@re-ops/re-gent/embedded'
import type { Frame } from '@re-ops/protocols'
import type { Random } from '../chaos/foundation/random.ts'
import { isActive, type FaultName, type Shares } from './faults.ts'

/** The link of one agent, with its faults. It outlives the agent's connections and lives. */
export type FaultyLink = {
  readonly dial: Dial
  shares(shares: Shares): void
  /** The connection is lost, as when a cable is cut. */
  cut(): void
  /** The connection that there is now stays, and carries nothing more in either direction. */
  halfOpen(): void
  /** Nothing more of the life that dialled: nothing goes out, nothing comes in. */
  die(): void
}
export type FaultyLinkDeps = {
  readonly dial: Dial
  readonly random: Random
  readonly count: (fault: FaultName) => void
  /** Each message as the agent's logic gives and takes it. */
  readonly onSaid: (message: Frame) => void
  readonly onHeard: (message: Frame) => void
}

const rememberedMax = 32
const defaultDelayMs = 200
/** A message that was to be overtaken and is not goes on after this. */
const heldMs = 50
/** How long a half-open connection is kept after the agent has given it up, as a peer that was not told. */
const halfOpenMs = 30_000

/** Messages of one direction, older sessions included, for replays. */
const makeMemory = () => {
  const messages: Buffer[] = []
  return {
    add: (message: Buffer): void => {
      messages.push(message)
      if (messages.length > rememberedMax) messages.shift()
    },
    messages,
  }
}

const tokenLetters = Array.from('abcdefghijklmnopqrstuvwxyz0123456789')

const forge = (message: Buffer, random: Random): Buffer | null => {
  const frame = JSON.parse(message.toString('utf8')) as { t?: string }
  if (frame.t === undefined) return null
  const token = Array.from({ length: 43 }, () => random.pick(tokenLetters)).join('')
  return Buffer.from(JSON.stringify({ ...frame, t: token }))
}

/** Applies the shares to one message: `give` is called for everything that comes of it, now or later. */
const makeDisturbance = (deps: FaultyLinkDeps, direction: 'in' | 'out') => {
  const { random, count } = deps
  const memory = makeMemory()
  let held: (() => void) | undefined
  return (shares: Shares, message: Buffer, give: (message: Buffer) => void): void => {
    const happens = (fault: FaultName): boolean => {
      const share = shares.direction === undefined || shares.direction === direction ? (shares[fault] ?? 0) : 0
      if (share === 0 || random.next() >= share) return false
      count(fault)
      return true
    }
    const release = held
    held = undefined
    if (memory.messages.length > 0 && happens('replay')) give(random.pick(memory.messages))
    if ((shares.replay ?? 0) > 0) memory.add(Buffer.from(message))
    const forged = direction === 'out' && happens('wrongToken') ? forge(message, random) : null
    if (forged) give(forged)
    if (happens('drop')) return release?.()
    if (happens('duplicate')) give(message)
    if (happens('delay')) {
      setTimeout(give, random.between(1, Math.max(1, shares.delayMs ?? defaultDelayMs)), message)
      return release?.()
    }
    if (release === undefined && happens('reorder')) {
      let isGiven = false
      held = () => {
        if (!isGiven) give(message)
        isGiven = true
      }
      setTimeout(held, heldMs)
      return
    }
    give(message)
    release?.()
  }
}

/** Wraps what the agent dials. Without an active fault a message passes with no more than one look. */
export const makeFaultyLink = (deps: FaultyLinkDeps): FaultyLink => {
  let shares: Shares = {}
  let active = false
  let current: ReturnType<typeof makeConnection> | undefined
  const [incoming, outgoing] = [makeDisturbance(deps, 'in'), makeDisturbance(deps, 'out')]
  const makeConnection = (socket: Wire, onEnd: (why: string) => void) => {
    let isDead = false
    let isClosed = false
    let out = Promise.resolve()
    let queued = 0
    const ready: Buffer[] = []
    let wake = Promise.withResolvers<void>()
    let coming: Promise<readonly Buffer[]> | undefined
    // Messages that come late or twice are sent one after the other: the socket takes one writer.
    const sendLater = (message: Frame): void => {
      queued += 1
      out = out
        .then(() => (isDead || isClosed ? undefined : socket.send(message)))
        .catch(() => undefined) // the connection ended meanwhile; the agent is told by its events
        .finally(() => (queued -= 1))
    }
    const receiveLater = (message: Buffer): void => {
      ready.push(message)
      wake.resolve()
    }
    const never = new Promise<never>(() => undefined)
    /** The dead are not told that their connection is closed. */
    const closed = (error: unknown): Promise<never> => {
      if (isDead) return never
      throw error
    }
    /** Without faults a message costs little more than on a wire of its own. */
    const receive = (): Promise<readonly Buffer[]> => {
      if (active || isDead || coming || ready.length > 0) return receiveFaulty()
      coming = socket.receive()
      return coming.then(heard, closed)
    }
    const heard = (frames: readonly Buffer[]): readonly Buffer[] | Promise<readonly Buffer[]> => {
      const [frame] = frames
      if (active || isDead || frame === undefined) return receiveFaulty()
      coming = undefined
      deps.onHeard(frame)
      return frames
    }
    const receiveFaulty = async (): Promise<readonly Buffer[]> => {
      for (;;) {
        if (isDead) return never
        const early = ready.shift()
        if (early) {
          deps.onHeard(early)
          return [early]
        }
        wake = Promise.withResolvers()
        if (active && shares.slowReaderMs) await new Promise(resolve => setTimeout(resolve, shares.slowReaderMs))
        coming ??= socket.receive()
        const next = coming.catch(closed)
        const frames = active ? await Promise.race([next, wake.promise]) : await next
        if (frames === undefined) continue
        coming = undefined
        const [frame] = frames
        if (isDead) return never
        if (frame === undefined) continue
        if (!active) {
          deps.onHeard(frame)
          return frames
        }
        incoming(shares, frame, receiveLater)
      }
    }
    const wire: Wire = {
      send: message => {
        if (isDead) return Promise.resolve()
        deps.onSaid(message)
        if (!active && queued === 0) return socket.send(message)
        if (active) outgoing(shares, Buffer.from(message), sendLater)
        else sendLater(message)
        return Promise.resolve()
      },
      close: () => {
        isClosed = true
        if (!isDead) socket.close()
      },
      receive,
    }
    return {
      wire,
      end: onEnd,
      /** Dead to the agent and to the broker alike. */
      die: (closeAfterMs: number): void => {
        if (isDead) return
        isDead = true
        if (isClosed) return
        if (closeAfterMs === 0) socket.close()
        else setTimeout(() => socket.close(), closeAfterMs).unref()
      },
    }
  }
  return {
    dial: (endpoint, serverKey, keys, onEnd) => {
      current = makeConnection(deps.dial(endpoint, serverKey, keys, onEnd), onEnd)
      return current.wire
    },
    shares: given => {
      shares = given
      active = isActive(given)
    },
    cut: () => {
      const cut = current
      cut?.die(0)
      cut?.end('cut')
    },
    halfOpen: () => current?.die(halfOpenMs),
    die: () => current?.die(0),
  }
}

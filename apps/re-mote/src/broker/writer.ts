import type { Frame } from '@re-ops/protocols'
import { brokerLimits } from './limits.ts'

export type WhyUnsent = 'gone' | 'slow' | 'full'
/** One message for one connection. `onFail` is told when it was provably not given to the network. */
export type Outgoing = { readonly routing: string; readonly frame: Frame; onFail?(why: WhyUnsent): void }

export type Writer = {
  /** Control messages overtake calls; the queue is bounded, and a full one fails the message at once. */
  put(message: Outgoing, control: boolean): void
  readonly length: number
  /** Resolves when nothing waits any more: the network has it, or it has failed. */
  drained(): Promise<void>
  close(): void
}

type Slow = { since: number; messages: Outgoing[] }
const retrySlowMs = 10

/**
 * The one writer of the socket. It awaits each send (concurrent ones answer EBUSY beyond a few hundred), yields to the event loop every
 * `sendsPerTurnMax`, sets aside messages for agents that read too slowly without holding up the others, and fails them after `slowAgentMs`.
 */
export const makeWriter = (send: (frames: [Buffer, Frame]) => Promise<void>): Writer => {
  const queues = { control: makeQueue(), normal: makeQueue() }
  const slow = new Map<string, Slow>()
  let [slowCount, sends] = [0, 0]
  let [running, closed, retryDue] = [false, false, false]
  let retry: NodeJS.Timeout | undefined

  let idle = Promise.withResolvers<void>()
  const length = () => queues.control.length() + queues.normal.length() + slowCount
  const trySend = async (message: Outgoing): Promise<'gone' | 'again' | 'sent'> => {
    sends += 1
    if (sends % brokerLimits.sendsPerTurnMax === 0) await new Promise(setImmediate)
    try {
      await send([Buffer.from(message.routing, 'latin1'), message.frame])
      return 'sent'
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') return 'again'
      if (code === 'EHOSTUNREACH' || closed) return 'gone'
      throw error
    }
  }
  const setAside = (message: Outgoing) => {
    const waiting = slow.get(message.routing) ?? { since: performance.now(), messages: [] }
    slow.set(message.routing, waiting)
    if (waiting.messages.length >= brokerLimits.queuePerAgentMax) return message.onFail?.('slow')
    waiting.messages.push(message)
    slowCount += 1
    retry ??= setTimeout(() => {
      retryDue = true
      start()
    }, retrySlowMs)
  }
  const fail = (routing: string, waiting: Slow, why: WhyUnsent) => {
    slow.delete(routing)
    slowCount -= waiting.messages.length
    for (const message of waiting.messages) message.onFail?.(why)
  }
  const retrySlow = async () => {
    retryDue = false
    retry = undefined
    for (const [routing, waiting] of slow) {
      for (let first = waiting.messages[0]; first; first = waiting.messages[0]) {
        const outcome = await trySend(first)
        if (outcome === 'gone') fail(routing, waiting, 'gone')
        if (outcome !== 'sent') break
        waiting.messages.shift()
        waiting.since = performance.now()
        slowCount -= 1
      }
      if (waiting.messages.length === 0) slow.delete(routing)
      else if (performance.now() - waiting.since > brokerLimits.slowAgentMs) fail(routing, waiting, 'slow')
    }
    if (slow.size > 0) retry = setTimeout(() => ((retryDue = true), start()), retrySlowMs)
  }
  const drain = async () => {
    for (;;) {
      if (retryDue) await retrySlow()
      const message = queues.control.take() ?? queues.normal.take()
      if (!message || closed) break
      const outcome = slow.has(message.routing) ? 'again' : await trySend(message)
      if (outcome === 'gone') message.onFail?.('gone')
      if (outcome === 'again') setAside(message)
    }
    running = false
    if (length() > 0 && !closed) return
    idle.resolve()
    idle = Promise.withResolvers()
  }
  const start = () => {
    if (running || closed) return
    running = true
    void drain()
  }
  return {
    put: (message, control) => {
      if (closed || length() >= brokerLimits.queueMax) return message.onFail?.('full')
      queues[control ? 'control' : 'normal'].put(message)
      start()
    },
    get length() {
      return length()
    },
    drained: () => (running || length() > 0 ? idle.promise : Promise.resolve()),
    close: () => {
      closed = true
      clearTimeout(retry)
    },
  }
}

/** First in, first out, without the cost of shifting an array. */
const makeQueue = () => {
  let items: Outgoing[] = []
  let at = 0
  return {
    put: (item: Outgoing) => void items.push(item),
    take: (): Outgoing | undefined => {
      const item = items[at]
      at += 1
      if (at >= items.length) {
        items = []
        at = 0
      }
      return item
    },
    length: () => items.length - at,
  }
}

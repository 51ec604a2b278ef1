import { fromAgent, type Frame, type FromAgent, type Id } from '@re-ops/protocols'
import type { Ring } from './ring.ts'

export type Outgoing = {
  [K in FromAgent['kind']]: { readonly kind: K; readonly body: Extract<FromAgent, { kind: K }>['body'] }
}[FromAgent['kind']]

export type ChunkBody = Extract<FromAgent, { kind: 'output.chunk' }>['body']

/**
 * What waits for the one writer of the session: control messages first, then results, which wait on disk and not here.
 * Between sessions it is empty: a new one begins with all unsettled results, and the broker asks about the rest.
 */
export type Outbox = {
  /** Begins a session; `onFull` ends it when its broker takes nothing any more. */
  open(onFull: () => void): void
  close(): void
  control(message: Outgoing): void
  /** Behind all others: pieces of contents, of which only so many are under way as were asked for. */
  bulk(message: Outgoing): void
  /** `acked`: its acknowledgement has not been said, so the result says it. */
  result(id: Id, acked?: boolean): void
  /** Behind everything else. False when the session ended before it was sent. */
  chunk(body: ChunkBody): Promise<boolean>
  /** The next message, for a session with this token. */
  next(token: string | undefined): Frame | undefined
  /** There is something to say. True: it is all that this turn of the loop will have to say of it. */
  changed(): Promise<boolean>
  wake(): void
}

const controlsMax = 10_000

/** What one link has to say. */
export const makeOutbox = (ring: Ring): Outbox => {
  let controls: Outgoing[] = []
  let results: { readonly id: Id; readonly acked: boolean }[] = []
  const chunks: { readonly body: ChunkBody; readonly sent: (isSent: boolean) => void }[] = []
  let pieces: Outgoing[] = []
  let isOpen = false
  let full: () => void = () => undefined
  let change = Promise.withResolvers<boolean>()
  const wake = (isWhole = false): void => {
    change.resolve(isWhole)
    change = Promise.withResolvers<boolean>()
  }
  const nextResult = (token: string | undefined): Frame | undefined => {
    for (let one = results.shift(); one !== undefined; one = results.shift()) {
      const text = ring.text(one.id) // settled meanwhile: skipped
      if (text !== null)
        return fromAgent.encodeText('call.result', one.acked ? `${text.slice(0, -1)},"acked":true}` : text, token)
    }
    return undefined
  }
  const nextChunk = (token: string | undefined): Frame | undefined => {
    const chunk = chunks.shift()
    chunk?.sent(true)
    return chunk && fromAgent.encode('output.chunk', chunk.body, token)
  }
  return {
    open: onFull => {
      full = onFull
      isOpen = true
      controls = []
      pieces = []
      results = ring.ids().map(id => ({ id, acked: false }))
      wake()
    },
    close: () => {
      isOpen = false
      for (const chunk of chunks.splice(0)) chunk.sent(false)
      wake()
    },
    control: message => {
      if (!isOpen) return
      if (controls.push(message) > controlsMax) full()
      wake()
    },
    bulk: message => {
      if (!isOpen) return
      if (pieces.push(message) > controlsMax) full()
      wake()
    },
    result: (id, acked = false) => {
      if (!isOpen) return
      results.push({ id, acked })
      wake(acked)
    },
    chunk: body =>
      new Promise(sent => {
        if (!isOpen) return sent(false)
        chunks.push({ body, sent })
        wake()
      }),
    next: token => {
      const control = controls.shift()
      if (control) return fromAgent.encode(control.kind, control.body, token)
      const result = nextResult(token)
      if (result) return result
      const piece = pieces.shift()
      return piece ? fromAgent.encode(piece.kind, piece.body, token) : nextChunk(token)
    },
    changed: () => change.promise,
    wake: () => wake(),
  }
}

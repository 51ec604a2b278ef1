import type { Taker } from '@re-ops/operations/dialogue'
import { fileLimits } from '@re-ops/protocols'
import type { Outgoing } from '../outbox.ts'
import type { About, Answer, Asks } from './asks.ts'

export type Gives = { offer(about: About, size: number): Promise<Taker | null> }

const windowBytes = fileLimits.chunksUnderWayMax * fileLimits.chunkBytes

/**
 * A content on its way to the service. What the service has not said to be stored is held, at most two chunks, and sent again from
 * where it has come to: a session, a broker or a service that ends meanwhile does no harm.
 */
const makeGiving = (send: (at: number, bytes: Buffer) => void, from: number, size: number) => {
  /** The bytes from `storedAt` on, in pieces of one message, as they were sent. */
  const held: { readonly at: number; readonly bytes: Buffer }[] = []
  let [storedAt, end, done]: [number, number, boolean] = [from, from, false]
  let fault: Error | null = null
  let change = Promise.withResolvers<void>()
  const changed = (): void => {
    change.resolve()
    change = Promise.withResolvers<void>()
  }
  const stored = (at: number): void => {
    storedAt = Math.max(storedAt, at)
    while (held[0] && held[0].at + held[0].bytes.length <= storedAt) held.shift()
  }
  return {
    fail: (why: Error): void => {
      fault ??= why
      changed()
    },
    onAnswer: ({ kind, body }: Answer): void => {
      if (kind === 'file.taken') {
        stored(body.at)
        done ||= body.done
      } else if (kind === 'file.accepted') {
        stored(body.from)
        done ||= body.from === size
        for (const piece of held) send(piece.at, piece.bytes)
      }
      changed()
    },
    put: (bytes: Buffer): void => {
      for (let at = 0; at < bytes.length; at += fileLimits.partBytes) {
        const piece = { at: end + at, bytes: bytes.subarray(at, at + fileLimits.partBytes) }
        held.push(piece)
        send(piece.at, piece.bytes)
      }
      end += bytes.length
    },
    /** Until there is room for another chunk; or with `all`, until the whole is stored. */
    room: async (all = false): Promise<void> => {
      while (!done && (all || end - storedAt >= windowBytes)) {
        if (fault) throw fault
        await change.promise
      }
    },
  }
}

export const makeGives = (asks: Asks, say: (message: Outgoing) => void): Gives => ({
  offer: async (about, size) => {
    const { call, hash } = about
    const offer = () => say({ kind: 'file.offer', body: { call, hash, size } })
    const { from } = await asks.ask(about, 'file.accepted', offer)
    if (from === size) return null
    const send = (at: number, bytes: Buffer) =>
      say({ kind: 'file.give', body: { call, hash, at, data: bytes.toString('base64') } })
    const giving = makeGiving(send, from, size)
    const wait = asks.wait(about, {
      refuse: why => {
        wait.stop()
        giving.fail(why)
      },
      again: offer,
      answer: message => {
        wait.sign()
        giving.onAnswer(message)
      },
    })
    let gathered: Buffer[] = []
    let [bytes, left] = [0, size - from]
    return {
      from,
      write: async piece => {
        gathered.push(Buffer.from(piece))
        bytes += piece.length
        left -= piece.length
        if (bytes < fileLimits.chunkBytes && left > 0) return
        giving.put(Buffer.concat(gathered))
        gathered = []
        bytes = 0
        await giving.room()
      },
      end: () => giving.room(true).finally(wait.stop),
    }
  },
})

import type { Outputs } from '@re-ops/outputs'
import { wireLimits, type FromBroker } from '@re-ops/protocols'
import { errorText, type Log } from './log.ts'
import type { Outbox } from './outbox.ts'

type Pull = Extract<FromBroker, { kind: 'output.pull' }>['body']
export type OutputPulls = { pull(pull: Pull): void; close(): void }
export type OutputPullsDeps = { readonly outputs: Outputs; readonly outbox: Outbox; readonly log: Log }

/** Readers at a time; each has one chunk in the outbox at most. */
const pullsMax = 256

/** Answers pulls: chunks within the credit that each brings, as the process writes and the connection takes them. */
export const makeOutputPulls = ({ outputs, outbox, log }: OutputPullsDeps): OutputPulls => {
  const pending = new Map<number, AbortController>()

  const answer = async ({ id, stream, reader, at, bytes, wait }: Pull, stop: AbortSignal): Promise<void> => {
    const signal = wait ? stop : AbortSignal.abort()
    for (let from = at; from < at + bytes && !stop.aborted;) {
      const room = Math.min(at + bytes - from, wireLimits.outputChunkBytesMax)
      const part = await outputs.next(id, stream, from, room, signal)
      if (stop.aborted) return
      const end = part.end === undefined ? {} : { end: part.end }
      const data = Buffer.from(part.bytes).toString('base64')
      const isSent = await outbox.chunk({ id, stream, reader, at: from, data, ...end })
      from += part.bytes.length
      if (!isSent || part.end !== undefined || part.bytes.length === 0) return
    }
  }
  return {
    pull: pull => {
      const { reader, id: call } = pull
      pending.get(reader)?.abort()
      if (pending.size >= pullsMax) return log.warn('too many outputs are read at a time', { call, max: pullsMax })
      const stop = new AbortController()
      pending.set(reader, stop)
      answer(pull, stop.signal)
        .catch((error: unknown) => log.warn('an output cannot be read', { call, why: errorText(error) }))
        .finally(() => pending.get(reader) === stop && pending.delete(reader))
    },
    close: () => {
      for (const stop of pending.values()) stop.abort()
    },
  }
}

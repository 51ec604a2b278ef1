import { converse } from '@re-ops/operations/dialogue'
import type { FromBroker, Id } from '@re-ops/protocols'
import type { Talk } from '../command.ts'
import type { Outgoing } from '../outbox.ts'
import { makeAsks } from './asks.ts'
import { makeGives } from './gives.ts'
import { makeTakes } from './takes.ts'

export type ContentMessage = Extract<FromBroker, { kind: `file.${string}` }>
/** Contents of files, to and from the service, for the calls that run here. */
export type Contents = {
  /** What answers the command of this call, until the signal aborts. */
  talkOf(call: Id, signal: AbortSignal): Talk
  handle(message: ContentMessage): void
  /** There is a new session. */
  renew(): void
  close(): void
}

/** Loaded with the first call that talks about a content. */
export const makeContents = (say: (message: Outgoing) => void): Contents => {
  const asks = makeAsks()
  const takes = makeTakes(asks, say)
  const gives = makeGives(asks, say)
  return {
    talkOf: (call, signal) => ({
      converse,
      contents: {
        open: (hash, from, prefix) => takes.open({ call, hash, signal }, from, prefix),
        offer: (hash, size) => gives.offer({ call, hash, signal }, size),
      },
    }),
    handle: message => {
      switch (message.kind) {
        case 'file.part':
          return takes.onPart(message.body)
        case 'file.refused':
          return asks.refuse(message.body)
        default:
          return asks.answer(message)
      }
    },
    renew: asks.renew,
    close: () => asks.close('the agent is stopping'),
  }
}

import { duplexPair, type Duplex } from 'node:stream'
import { encodeMessage, makeSplitter, messageTypes, statuses, type Message } from '../frame.ts'
import { procedures, remoteProgram } from '../procedures.ts'
import { remoteError } from '../types.ts'
import { encode, type Xdr } from '../xdr.ts'

/** The other end of a link, which says what a test wants it to say: for faults that a real libvirtd does not make. */
export type Peer = {
  /** What a client is given. */
  readonly stream: Duplex
  /** Messages that came and were not answered by `answers`, in order; waits for the next one. */
  next(): Promise<Message>
  reply<R>(to: Message, procedure: { readonly returns: Xdr<R> }, value: R): void
  refuse(to: Message, code: number, text: string): void
  send(message: Partial<Message>): void
  /** Bytes as they are. */
  write(bytes: Buffer): void
  hangUp(): void
}

const none = Buffer.alloc(0)

/** Answers what opening takes (no login, any driver); all else is left to the test. */
export const makePeer = (): Peer => {
  const [stream, other] = duplexPair()
  const split = makeSplitter()
  const waiting: Message[] = []
  const readers: ((message: Message) => void)[] = []
  const send = (message: Partial<Message>) =>
    void other.write(
      encodeMessage({
        ...remoteProgram,
        procedure: 0,
        type: messageTypes.reply,
        serial: 0,
        status: statuses.ok,
        body: none,
        ...message,
      }),
    )
  const reply: Peer['reply'] = ({ procedure, serial }, { returns }, value) =>
    send({ procedure, serial, body: encode(returns, value) })
  const handshake = (message: Message): boolean => {
    if (message.type !== messageTypes.call) return false
    if (message.procedure === procedures.authList.number) reply(message, procedures.authList, { types: [0] })
    else if (message.procedure === procedures.open.number) reply(message, procedures.open, undefined)
    else if (message.procedure === procedures.supportsFeature.number)
      reply(message, procedures.supportsFeature, { supported: true })
    else if (message.procedure === procedures.close.number) reply(message, procedures.close, undefined)
    else return false
    return true
  }
  other.on('data', (chunk: Buffer) => {
    for (const message of split(chunk)) {
      if (handshake(message)) continue
      const reader = readers.shift()
      if (reader === undefined) waiting.push(message)
      else reader(message)
    }
  })
  other.on('error', () => undefined)
  return {
    stream,
    next: () => {
      const message = waiting.shift()
      return message === undefined ? new Promise(resolve => readers.push(resolve)) : Promise.resolve(message)
    },
    reply,
    refuse: ({ procedure, serial }, code, text) => {
      const error = { code, domain: 10, message: text, level: 2, dom: null, str1: text, str2: null, str3: null }
      const body = encode(remoteError, { ...error, int1: -1, int2: -1, net: null })
      send({ procedure, serial, status: statuses.error, body })
    },
    send,
    write: bytes => void other.write(bytes),
    hangUp: () => void other.destroy(),
  }
}

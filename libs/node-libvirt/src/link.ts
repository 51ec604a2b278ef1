import type { Duplex } from 'node:stream'
import { LinkError, type LinkReason } from './errors.ts'
import { errorOf, makeStreams, type StreamEnd, type StreamHandle } from './link-streams.ts'
import { encodeMessage, makeSplitter, messageTypes, statuses, type Message } from './frame.ts'
import { watch, type KeepAlive } from './keep-alive.ts'
import { keepAliveProgram, remoteProgram, type Procedure } from './procedures.ts'
import { makeTurns, type Turn } from './turns.ts'
import { decode, encode } from './xdr.ts'

/** Of one call. `timeoutMs`: from now to the answer, waiting for its turn included; 60,000 unless told. */
export type CallOptions = { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined }
export type Call = <A, R>(procedure: Procedure<A, R>, args: A, options?: CallOptions) => Promise<R>

/** One connection's messages: calls and their answers, events, one stream. Ends once, and then for good. */
export type Link = {
  readonly call: Call
  /** A call that opens a stream under its own serial; `endOf` is called as it is sent and gets what comes back. */
  stream<A, R>(
    procedure: Procedure<A, R>,
    args: A,
    endOf: (handle: StreamHandle) => StreamEnd,
    options?: CallOptions,
  ): Promise<void>
  /** Resolves with why, when the link has ended. */
  readonly ended: Promise<LinkError>
  end(reason: LinkReason, message: string): void
}

export type LinkOptions = {
  /** Null: neither asks nor gives up. Questions of the other side are answered always. */
  readonly keepAlive: KeepAlive | null
  readonly onEvent: (procedure: number, body: Buffer) => void
}

export const callTimeoutMs = 60_000

export const makeLink = (duplex: Duplex, { keepAlive, onEvent }: LinkOptions): Link => {
  const split = makeSplitter()
  const ended = Promise.withResolvers<LinkError>()
  let over: LinkError | null = null
  let serial = 0

  const send = (message: Message, onSent?: (error?: Error | null) => void): void => {
    if (over === null) duplex.write(encodeMessage(message), onSent)
    else onSent?.(over)
  }
  const end = (reason: LinkReason, message: string): void => {
    if (over !== null) return
    over = new LinkError(reason, true, message)
    pulse?.stop()
    turns.endAll(reason, message)
    streams.endAll(over)
    duplex.destroy()
    ended.resolve(over)
  }
  const streams = makeStreams(send, duplex)
  const turns = makeTurns(() => end('lost', 'every place is held by a call that nobody waits for any more'))
  const ping = { ...keepAliveProgram, procedure: keepAliveProgram.ping, serial: 0, body: Buffer.alloc(0) }
  const beat = (procedure: number) => send({ ...ping, procedure, type: messageTypes.event, status: statuses.ok })
  const pulse =
    keepAlive &&
    watch(
      keepAlive,
      () => beat(keepAliveProgram.ping),
      silentMs => end('lost', `no sign of life for ${silentMs} ms`),
    )

  const onReply = (message: Message): void => {
    const { serial, status, body } = message
    const turn = turns.take(serial)
    if (turn !== undefined) {
      if (turn.procedure !== message.procedure)
        end('protocol', `procedure ${message.procedure} answers ${turn.procedure}`)
      else if (status === statuses.error) turn.fail(errorOf(body))
      else turn.answer(body)
      turns.next()
      return
    }
    // A stream whose end fails is told so by a reply.
    if (!streams.take(message)) end('protocol', `an answer to call ${serial}, which was not asked`)
  }
  const onMessage = (message: Message): void => {
    if (message.program === keepAliveProgram.program) {
      if (message.procedure === keepAliveProgram.ping) beat(keepAliveProgram.pong)
      return
    }
    const { program, version } = remoteProgram
    if (message.program !== program || message.version !== version)
      return end('protocol', `a message of program ${message.program}, version ${message.version}`)
    if (message.type === messageTypes.reply) return onReply(message)
    if (message.type === messageTypes.stream) return void streams.take(message) // else of one that was aborted
    if (message.type === messageTypes.event) return onEvent(message.procedure, message.body)
    end('protocol', `a message of type ${message.type}`)
  }

  duplex.on('data', (chunk: Buffer) => {
    pulse?.heard()
    try {
      for (const message of split(chunk)) if (over === null) onMessage(message)
    } catch (error) {
      end('protocol', (error as Error).message)
    }
  })
  duplex.on('error', error => end('lost', error.message))
  duplex.on('end', () => end('lost', 'libvirtd closed the connection'))
  duplex.on('close', () => end('lost', 'the connection is closed'))

  const begin = <A, R>(procedure: Procedure<A, R>, args: A, options: CallOptions, onSent?: (serial: number) => void) =>
    new Promise<R>((resolve, reject) => {
      if (over !== null) throw new LinkError(over.reason, false, over.message)
      const body = encode(procedure.args, args)
      const own = (serial = (serial + 1) >>> 0)
      const turn: Turn = {
        serial: own,
        procedure: procedure.number,
        send: () => {
          onSent?.(own)
          const type = messageTypes.call
          send({ ...remoteProgram, procedure: procedure.number, type, serial: own, status: statuses.ok, body })
        },
        answer: bytes => resolve(decode(procedure.returns, bytes)),
        fail: reject,
      }
      turns.add(turn, { timeoutMs: options.timeoutMs ?? callTimeoutMs, signal: options.signal })
    })
  return {
    call: (procedure, args, options = {}) => begin(procedure, args, options),
    stream: async (procedure, args, endOf, options = {}) => {
      let own = 0
      const onSent = (given: number) => {
        own = given
        streams.open(procedure.number, own, endOf)
      }
      await begin(procedure, args, options, onSent).catch((error: unknown) => {
        streams.forget(own)
        throw error
      })
    },
    ended: ended.promise,
    end,
  }
}

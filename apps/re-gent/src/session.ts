import { randomBytes } from 'node:crypto'
import { fromAgent, fromBroker, wireLimits, type FromBroker, type Keyset } from '@re-ops/protocols'
import { Dealer } from 'zeromq'
import type { Calls } from './calls.ts'
import { makeHello, type HelloSpec } from './hello.ts'
import type { Journal } from './journal.ts'
import type { Keys } from './keys.ts'
import { errorText, type Log } from './log.ts'
import type { Outbox } from './outbox.ts'

export type SessionDeps = {
  readonly log: Log
  readonly journal: Journal
  readonly calls: Calls
  readonly outbox: Outbox
  /** Judges the keyset of a welcome at the broker's clock; `false` refuses the session. */
  readonly onKeyset: (keyset: Keyset, at: number) => boolean
}
export type SessionEnd = {
  readonly why: string
  /** How long the session lived; 0 when there was no welcome. */
  readonly livedMs: number
  /** The broker does not accept this identity any more. */
  readonly final: boolean
}
export type Target = { readonly endpoint: string } & HelloSpec
type Welcome = Extract<FromBroker, { kind: 'hello.welcome' }>['body']
type Ending = { readonly why: string; readonly final: boolean }

const welcomeTimeoutMs = 2 * wireLimits.helloTimeoutMs
const sendsPerTurn = 128
const flushMs = 1_000
const lingerMs = 300

/** A new socket with a fresh routing id: one that libzmq could generate next would abort the broker (wire.md 1). */
const connect = (endpoint: string, serverKey: string, keys: Keys): Dealer => {
  const socket = new Dealer({
    routingId: `a${randomBytes(16).toString('hex')}`,
    curveServerKey: serverKey,
    curvePublicKey: keys.curve.publicKey,
    curveSecretKey: keys.curve.secretKey,
    linger: lingerMs,
    reconnectInterval: -1,
    handshakeInterval: wireLimits.helloTimeoutMs,
    connectTimeout: wireLimits.helloTimeoutMs,
    maxMessageSize: wireLimits.messageBytesMax,
    sendHighWaterMark: 64,
    receiveHighWaterMark: 1_000,
    tcpKeepalive: 1,
  })
  socket.connect(endpoint)
  return socket
}

const watch = (socket: Dealer, end: (why: string) => void): void => {
  const { events } = socket
  events.on('disconnect', () => end('disconnected'))
  events.on('close', () => end('not reachable'))
  events.on('handshake:error:auth', () => end('our key was refused'))
  events.on('handshake:error:protocol', () =>
    end('the CURVE handshake failed: not the server key we hold, or no broker'),
  )
  events.on('handshake:error:other', () => end('the handshake failed'))
}

/**
 * One connection from its first byte to its end: hello, then messages both ways until the peer is gone, silent for
 * `heartbeatsMissedMax` heartbeats (libzmq's own would be answered by a broker whose event loop hangs), or `stop` aborts.
 */
export const runSession = async (deps: SessionDeps, target: Target, stop: AbortSignal): Promise<SessionEnd> => {
  const { log, journal, calls, outbox } = deps
  const socket = connect(target.endpoint, target.serverKey, target.keys)
  const hello = makeHello(target)
  const ended = Promise.withResolvers<Ending>()
  const over = new AbortController()
  let leaving = false
  let token: string | undefined
  let welcomedAt: number | null = null
  let heardAt = performance.now()
  let beat: NodeJS.Timeout | undefined
  let leaveTimer: NodeJS.Timeout | undefined
  const end = (why: string, final = false): void => {
    over.abort()
    ended.resolve({ why, final })
  }
  watch(socket, end)
  const noWelcome = setTimeout(() => end(`no welcome after ${welcomeTimeoutMs} ms`), welcomeTimeoutMs)

  const goodbye = async (): Promise<void> => {
    await socket.send(fromAgent.encode('goodbye', { reason: 'the agent stops' }, token))
    end('stopped')
  }
  const write = async (): Promise<void> => {
    for (let sent = 1; !over.signal.aborted; sent += 1) {
      const changed = outbox.changed()
      const message = outbox.next()
      if (!message && leaving) return goodbye()
      if (!message) await Promise.race([changed, ended.promise])
      else await socket.send(fromAgent.encode(message.kind, message.body, token))
      // zeromq.js lets 512 sends through per turn of the loop and answers EBUSY to the rest.
      if (sent % sendsPerTurn === 0) await new Promise(resolve => setImmediate(resolve))
    }
  }
  const heartbeat = (heartbeatMs: number): void => {
    beat = setInterval(() => {
      const silentMs = performance.now() - heardAt
      if (silentMs > heartbeatMs * wireLimits.heartbeatsMissedMax)
        end(`the broker is silent for ${Math.round(silentMs)} ms`)
      else outbox.control({ kind: 'heartbeat', body: {} })
    }, heartbeatMs)
  }
  const welcome = (body: Welcome): void => {
    if (!deps.onKeyset(body.keyset, body.at)) return end('the keyset in the welcome is not accepted')
    clearTimeout(noWelcome)
    token = body.token
    welcomedAt = performance.now()
    outbox.open(() => end('the broker takes no messages'))
    heartbeat(body.heartbeatMs)
    log.info('session', { endpoint: target.endpoint, epoch: body.epoch, unsettled: journal.unsettled().length })
    void write().catch((error: unknown) => end(`cannot send: ${errorText(error)}`))
  }
  const prove = async (challenge: Extract<FromBroker, { kind: 'hello.challenge' }>['body']): Promise<void> => {
    await journal.synced() // the counter we sign must still hold after a power cut
    const proof = hello.prove(challenge, journal.counter())
    if (typeof proof === 'string') end(proof)
    else if (!over.signal.aborted) await socket.send(proof)
  }
  const handle = async (message: FromBroker): Promise<void> => {
    if (message.kind === 'hello.refused' || message.kind === 'session.end')
      end(`${message.kind}: ${message.body.reason}`, !message.body.retry)
    else if (token === undefined) {
      if (message.kind === 'hello.challenge') await prove(message.body)
      else if (message.kind === 'hello.welcome') welcome(message.body)
    } else if (message.token !== undefined && message.token !== token)
      log.warn('a message with another token is dropped')
    else if (
      message.kind === 'call' ||
      message.kind === 'call.cancel' ||
      message.kind === 'call.ask' ||
      message.kind === 'call.settled'
    )
      await calls.handle(message)
  }
  const read = async (): Promise<void> => {
    for await (const [frame, ...rest] of socket) {
      if (over.signal.aborted) return
      heardAt = performance.now()
      const message =
        frame && rest.length === 0 ? fromBroker.decode(frame) : ({ kind: 'malformed', why: 'not one frame' } as const)
      if (message.kind === 'malformed') log.warn('a malformed message is dropped', { why: message.why })
      // Not awaited: a call that waits for its sync must not hold the ones behind it, which share that sync.
      else
        void handle(message).catch((error: unknown) =>
          log.error('a message cannot be handled', { kind: message.kind, why: errorText(error) }),
        )
    }
  }
  const leave = async (): Promise<void> => {
    await calls.stop()
    leaving = true
    outbox.wake()
    leaveTimer = setTimeout(() => end('stopped'), flushMs)
  }
  const onStop = (): void =>
    void (token === undefined ? end('stopped') : leave().catch((error: unknown) => end(errorText(error))))
  if (stop.aborted) onStop()
  stop.addEventListener('abort', onStop)
  void read().catch((error: unknown) => end(`cannot receive: ${errorText(error)}`))
  void socket.send(hello.start()).catch((error: unknown) => end(`cannot send: ${errorText(error)}`))

  const { why, final } = await ended.promise
  stop.removeEventListener('abort', onStop)
  clearTimeout(noWelcome)
  clearInterval(beat)
  clearTimeout(leaveTimer)
  outbox.close()
  socket.close()
  return { why, final, livedMs: welcomedAt === null ? 0 : performance.now() - welcomedAt }
}

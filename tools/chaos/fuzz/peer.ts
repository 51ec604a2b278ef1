import { randomBytes } from 'node:crypto'
import { fromAgent, fromBroker, newId, signHello, type FromBroker } from '@re-ops/protocols'
import type { FakeIdentity } from '@re-ops/re-mote/testing'
import { Dealer } from 'zeromq'

/** Where a broker listens, and its key. */
export type BrokerAddress = { readonly endpoint: string; readonly serverKey: string }

/**
 * An enrolled agent gone bad: it says whatever it is told, and knows what must be counted of it. Its socket is
 * past CURVE, for without that no message arrives at all.
 */
export type Peer = {
  readonly identity: FakeIdentity
  readonly token: string | undefined
  readonly isLive: boolean
  /**
   * Says hello, again if need be, and waits for the welcome. Answers how many of its own messages may have been dropped: where all are slow,
   * a proof comes after its challenge was forgotten, and of several tries one counts.
   */
  hello(): Promise<number>
  /** Sends it; answers what must be counted of it. When the connection ends meanwhile, nobody knows what arrived. */
  send(frames: readonly Buffer[]): Promise<Counted>
  readonly isGone: boolean
  /** Resolves when the broker, or libzmq for it, has ended the connection. */
  readonly ended: Promise<void>
  close(): void
}

/** What the metrics must hold of one message. */
export type Counted = {
  /** Dropped by the broker: 1 or 0. */
  readonly dropped: number
  /** Calls it speaks of that are not this agent's, and samples that are of no schedule. */
  readonly unclaimed: number
}
const drop: Counted = { dropped: 1, unclaimed: 0 }
const take = (unclaimed = 0): Counted => ({ dropped: 0, unclaimed })

const aboutOneCall: ReadonlySet<string> = new Set([
  'call.acked',
  'call.running',
  'call.result',
  'file.open',
  'file.offer',
  'file.give',
])

const helloWithinMs = 90_000
/** A broker whose service is slow forgets a hello before that. Sooner, a second one would count as one too many. */
const againMsDefault = 15_000
/** A hello that counts: start and proof. */
const messagesOfHello = 2

export const openPeer = (
  { endpoint, serverKey }: BrokerAddress,
  identity: FakeIdentity,
  { deaf = false, againMs = againMsDefault }: { /** never reads */ deaf?: boolean; againMs?: number } = {},
): Peer => {
  const socket = new Dealer({
    routingId: `f${randomBytes(12).toString('hex')}`,
    curveServerKey: serverKey,
    curvePublicKey: identity.curve.publicKey,
    curveSecretKey: identity.curve.secretKey,
    linger: 0,
    reconnectInterval: -1,
    sendHighWaterMark: 2_000,
    receiveHighWaterMark: deaf ? 10 : 10_000,
  })
  const ended = Promise.withResolvers<void>()
  let isGone = false
  const lost = () => {
    isGone = true
    ended.resolve()
  }
  socket.events.on('disconnect', lost)
  socket.connect(endpoint)
  const boot = newId()
  let nonce = ''
  let token: string | undefined
  let isLive = false
  /** Challenges that are still to come: only the last is of the hello that counts. */
  let challengesDue = 0
  let welcomed: (() => void) | undefined
  /** Of all hellos. */
  let helloMessages = 0

  /** One after the other: the socket takes one writer, and heartbeats come when they are due. */
  let last: Promise<unknown> = Promise.resolve()
  const put = (frames: readonly Buffer[]): Promise<void> => {
    const sent = last.then(() => socket.send([...frames]))
    last = sent.catch(() => undefined) // closed: told by `isGone`
    return sent
  }
  const prove = (challenge: Extract<FromBroker, { kind: 'hello.challenge' }>['body']) => {
    const { broker, serverKey: key, nonce: brokerNonce, version } = challenge
    const { host: agent, sign } = identity
    const facts = { broker, serverKey: key, agent, agentKey: sign.publicKey, boot, agentNonce: nonce, brokerNonce }
    const signature = signHello(sign, { ...facts, version, journalCounter: 0 })
    helloMessages += 1
    const body = { signature, journalCounter: 0, name: 'hostile', pid: 1, version: '0.1.0' }
    return put([fromAgent.encode('hello.proof', body)])
  }
  const start = () => {
    nonce = randomBytes(24).toString('base64url')
    challengesDue += 1
    helloMessages += 1
    const body = { agent: identity.host, boot, nonce, versions: [1] }
    put([fromAgent.encode('hello.start', body)]).catch(lost)
  }
  const on = (message: FromBroker): unknown => {
    if (message.kind === 'hello.challenge') {
      challengesDue -= 1
      return welcomed && challengesDue === 0 ? prove(message.body) : undefined
    }
    // Not by anything of ours: what was on its way may have come too late.
    if (message.kind === 'session.end' && message.token !== undefined && message.token === token) return lost()
    if (message.kind !== 'hello.welcome') return undefined
    token = message.body.token
    isLive = true
    return welcomed?.()
  }
  const read = async () => {
    for await (const [bytes] of socket) {
      const message = bytes ? fromBroker.decode(bytes) : undefined
      if (message && message.kind !== 'malformed') await on(message)
    }
  }
  if (!deaf) void read().catch(() => undefined) // ends when the socket is closed
  /** The broker's rules, told from the documents and not from its code. */
  const counted = (frames: readonly Buffer[]): Counted => {
    const [bytes] = frames
    if (frames.length !== 1 || !bytes) return drop
    const message = fromAgent.decode(bytes)
    if (message.kind === 'malformed') return drop
    if (message.kind === 'hello.start') {
      if (message.body.versions.includes(1)) challengesDue += 1 // else it is refused
      return take()
    }
    if (message.kind === 'hello.proof') return drop // nobody asked for it, or it proves nothing
    if (!isLive || message.token !== token) return drop
    if (message.kind === 'goodbye') isLive = false
    if (message.kind === 'call.report') return take(message.body.calls.length)
    if (message.kind === 'samples') return take(message.body.samples.length)
    if (message.kind === 'file.pull') return drop // nothing was opened for it
    return take(aboutOneCall.has(message.kind) ? 1 : 0)
  }
  return {
    identity,
    get token() {
      return token
    },
    get isGone() {
      return isGone
    },
    get isLive() {
      return isLive
    },
    hello: async () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const before = helloMessages
      welcomed = resolve
      const late = setTimeout(() => reject(new Error('no welcome for a hostile agent')), helloWithinMs)
      const again = setInterval(() => {
        challengesDue = 0
        start()
      }, againMs)
      start()
      await Promise.race([promise, ended.promise]).finally(() => {
        clearTimeout(late)
        clearInterval(again)
        welcomed = undefined
      })
      return Math.max(0, helloMessages - before - (isGone ? 0 : messagesOfHello))
    },
    send: async frames => {
      const expected = counted(frames)
      const sent = put(frames)
      sent.catch(() => undefined) // closed: told by `isGone`
      await Promise.race([sent, ended.promise])
      return expected
    },
    ended: ended.promise,
    close: () => socket.close(),
  }
}

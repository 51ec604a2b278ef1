import { randomBytes } from 'node:crypto'
import {
  fromAgent,
  fromBroker,
  newId,
  signHello,
  type CallResult,
  type FromBroker,
  type SigningKeys,
} from '@re-ops/protocols'
import { Dealer } from 'zeromq'

export type FakeIdentity = {
  readonly host: string
  readonly curve: { readonly publicKey: string; readonly secretKey: string }
  readonly sign: SigningKeys
}
export type FakeCall = Extract<FromBroker, { kind: 'call' }>['body']
export type FakePull = Extract<FromBroker, { kind: 'output.pull' }>['body']
export type FakeAgentOptions = {
  readonly endpoint: string
  readonly serverKey: string
  readonly identity: FakeIdentity
  readonly name?: string
  readonly boot?: string
  readonly journalCounter?: number
  /** Default: fresh random bytes per connection, as a real agent does. `null` leaves it to the router. */
  readonly routingId?: Buffer | null
  /** What a call gives; `'never'` acknowledges and stays silent, `'deaf'` does not even acknowledge. Default: its input. */
  answer?(call: FakeCall): CallResult | Promise<CallResult> | 'never' | 'deaf'
  /** What a pull of a call's output gives, all at once. Default: pulls are not answered. */
  output?(pull: FakePull): { readonly text: string; readonly end: 'whole' | 'cut' | 'gone' }
  /** How long a hello may go unanswered before it is dialled again. Default 1.5 s. */
  readonly helloTimeoutMs?: number
  /** How often it says that it lives; a broker that was restarted answers that there is no session. Default 250 ms. */
  readonly heartbeatMs?: number
  /** Reconnect when the session ends. Default true. */
  readonly reconnect?: boolean
}

/** An agent that speaks the real protocol over a real DEALER with CURVE, but does nothing on its host. For tests and benches. */
export type FakeAgent = {
  readonly boot: string
  readonly socket: Dealer
  /** Everything the broker said, and each call that was started, in order. */
  readonly heard: FromBroker[]
  readonly started: string[]
  readonly settled: Set<string>
  /** Resolves with the epoch when a session is live. */
  live(): Promise<number>
  readonly token: string | undefined
  say(...message: Parameters<typeof fromAgent.encode>): Promise<void>
  finish(id: string, result: CallResult): Promise<void>
  /** Closes the connection and dials again, as after a lost network. */
  redial(): void
  /** The same with another broker. */
  moveTo(endpoint: string): void
  close(): void
}

/** A DEALER whose routing id may be any bytes, also those a router would give. */
class AnyIdDealer extends Dealer {
  claim(id: Buffer): void {
    const routingIdOption = 5
    this.setStringOption(routingIdOption, id)
  }
}

type CallRecord = { state: 'running' | 'finished' | 'void'; result?: CallResult }

export const startFakeAgent = (options: FakeAgentOptions): FakeAgent => {
  const { identity, serverKey } = options
  let { endpoint } = options
  const boot = options.boot ?? newId()
  const calls = new Map<string, CallRecord>()
  const agent = { heard: [] as FromBroker[], started: [] as string[], settled: new Set<string>() }
  let socket: AnyIdDealer
  let token: string | undefined
  let nonce = ''
  let closed = false
  let live = Promise.withResolvers<number>()
  let timers: NodeJS.Timeout[] = []
  let queue = Promise.resolve()

  const say: FakeAgent['say'] = (kind, body, withToken) => {
    const to = socket
    const bytes = fromAgent.encode(kind, body, withToken ?? token)
    queue = queue.then(() => to.send(bytes)).catch(() => undefined) // the socket was closed meanwhile
    return queue
  }
  const finish = async (id: string, result: CallResult) => {
    const record = calls.get(id)
    if (record?.state === 'void') return
    calls.set(id, { state: 'finished', result })
    if (token !== undefined) await say('call.result', { id, ms: 1, result })
  }
  const startHello = () => {
    nonce = randomBytes(24).toString('base64url')
    void say('hello.start', { agent: identity.host, boot, nonce, versions: [1] })
  }
  const dial = () => {
    token = undefined
    socket = new AnyIdDealer({
      curveServerKey: serverKey,
      curvePublicKey: identity.curve.publicKey,
      curveSecretKey: identity.curve.secretKey,
      linger: 0,
      handshakeInterval: options.helloTimeoutMs ?? 1_000,
      reconnectInterval: 50,
      reconnectMaxInterval: 500,
    })
    if (options.routingId !== null) socket.claim(options.routingId ?? randomBytes(16))
    socket.connect(endpoint)
    startHello()
    // A hello that nobody answers (the broker restarts) is said again; heartbeats say that we live.
    timers = [
      setInterval(() => token === undefined && redial(), options.helloTimeoutMs ?? 1_500),
      setInterval(() => token !== undefined && void say('heartbeat', {}), options.heartbeatMs ?? 250),
    ]
    void receive(socket)
  }
  const hangUp = () => {
    timers.forEach(clearInterval)
    socket.close()
    if (token !== undefined) live = Promise.withResolvers<number>()
    token = undefined
  }
  const redial = () => {
    if (closed) return
    hangUp()
    dial()
  }
  const sayResult = (id: string) => {
    const result = calls.get(id)?.result
    if (result) void say('call.result', { id, ms: 1, result })
  }
  const onWelcome = (message: Extract<FromBroker, { kind: 'hello.welcome' }>) => {
    token = message.body.token
    live.resolve(message.body.epoch)
    for (const [id, record] of calls)
      if (record.result && !agent.settled.has(id)) void say('call.result', { id, ms: 1, result: record.result })
  }
  const onCall = async (call: FakeCall) => {
    if (calls.has(call.id)) return
    const answer = options.answer?.(call) ?? { ok: true, value: call.input ?? null }
    if (answer === 'deaf') return
    calls.set(call.id, { state: 'running' })
    agent.started.push(call.id)
    void say('call.acked', { id: call.id, running: true })
    if (answer !== 'never') await finish(call.id, await answer)
  }
  const onPull = (pull: FakePull) => {
    if (!options.output) return
    const { text, end } = options.output(pull)
    const { id, stream, reader, at } = pull
    void say('output.chunk', { id, stream, reader, at, data: Buffer.from(text).toString('base64'), end })
  }
  const cancelled: CallResult = { ok: false, failure: { kind: 'cancelled', message: 'cancelled', step: '' } }
  const on = (message: FromBroker) => {
    agent.heard.push(message)
    switch (message.kind) {
      case 'hello.challenge': {
        const { broker, serverKey: key, nonce: brokerNonce, version } = message.body
        const journalCounter = options.journalCounter ?? calls.size
        const hello = { broker, serverKey: key, agent: identity.host, agentKey: identity.sign.publicKey, boot }
        const facts = { ...hello, agentNonce: nonce, brokerNonce, version, journalCounter }
        const signature = signHello(identity.sign, facts)
        const name = options.name ?? 'fake'
        return void say('hello.proof', { signature, journalCounter, name, pid: process.pid, version: '0.1.0' })
      }
      case 'hello.welcome':
        return onWelcome(message)
      case 'session.end':
        return message.body.retry && options.reconnect !== false ? redial() : undefined
      case 'call':
        message.body.settled?.forEach(id => agent.settled.add(id))
        return void onCall(message.body)
      case 'call.cancel':
        if (calls.get(message.body.id)?.state === 'running') return void finish(message.body.id, cancelled)
        if (!calls.has(message.body.id)) calls.set(message.body.id, { state: 'void' })
        return
      case 'call.settled':
        return message.body.ids.forEach(id => agent.settled.add(id))
      case 'output.pull':
        return onPull(message.body)
      case 'call.ask':
        if (message.body.again === true) message.body.ids.forEach(sayResult)
        return void say('call.report', { calls: message.body.ids.map(id => ({ id, state: stateOf(id) })) })
      default:
        return
    }
  }
  const stateOf = (id: string): 'running' | 'finished' | 'unknown' => {
    const state = calls.get(id)?.state ?? 'void'
    if (state !== 'void') return state
    calls.set(id, { state })
    return 'unknown'
  }
  const receive = async (from: Dealer) => {
    for await (const [bytes] of from) {
      const message = bytes ? fromBroker.decode(bytes) : undefined
      if (message && message.kind !== 'malformed' && from === socket) on(message)
    }
  }
  dial()
  return {
    ...agent,
    boot,
    get socket() {
      return socket
    },
    get token() {
      return token
    },
    live: () => live.promise,
    say,
    finish,
    redial,
    moveTo: to => {
      endpoint = to
      redial()
    },
    close: () => {
      closed = true
      hangUp()
    },
  }
}

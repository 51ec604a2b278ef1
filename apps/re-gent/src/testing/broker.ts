import {
  fromAgent,
  fromBroker,
  helloIsGenuine,
  newId,
  newSealKeys,
  newSecret,
  newSigningKeys,
  signKeyset,
  wireLimits,
  type FromAgent,
  type FromBroker,
  type Id,
  type Keyset,
  type SignedModule,
  type SigningKeys,
} from '@re-ops/protocols'
import { curveKeyPair, Router } from 'zeromq'

type Send = { [K in FromBroker['kind']]: [kind: K, body: Extract<FromBroker, { kind: K }>['body']] }[FromBroker['kind']]
type ResultBody = Extract<FromAgent, { kind: 'call.result' }>['body']

/** A small real broker: ROUTER with CURVE, the hello, and a memory of what an agent said. It settles results unless told not to. */
export type TestBroker = {
  readonly endpoint: string
  readonly root: SigningKeys
  readonly sealPrivateKey: string
  keyset: Keyset
  /** Signs modules; its public key is in the keyset. */
  readonly moduleKeys: SigningKeys
  /** What agents may pull. */
  readonly modules: Map<string, SignedModule>
  /** Messages in the order of arrival, heartbeats left out. */
  readonly received: FromAgent[]
  /** Results by call, every time they came. */
  readonly results: Map<Id, ResultBody[]>
  sessions: number
  settles: boolean
  /** Sends nothing at all, heartbeats included, as a broker whose event loop hangs. */
  hung: boolean
  /** Changes the answers of the hello. */
  onHello: {
    serverKey?: string
    keyset?: Keyset
    refuse?: { reason: string; retry: boolean }
    /** Goes out before the welcome, under the token of its session. */
    early?: Send
  }
  heartbeatMs: number
  trust(agent: Id, signKey: string): void
  send(...message: Send): Promise<void>
  /** Any frames, to whoever has the session. */
  sendRaw(frames: readonly Buffer[]): Promise<void>
  /** Of the session. */
  token(): string | undefined
  online(): boolean
  close(): void
}

export const makeKeyset = (root: SigningKeys, parts: Partial<Keyset>): Keyset =>
  signKeyset(root, {
    serial: 1,
    root: root.publicKey,
    installation: newId(),
    curveServerKeys: [curveKeyPair().publicKey],
    sealKey: newSecret(),
    moduleKeys: [],
    endpoints: ['tcp://127.0.0.1:1'],
    notBefore: new Date(Date.now() - 60_000).toISOString(),
    notAfter: new Date(Date.now() + 3_600_000).toISOString(),
    ...parts,
  })

export const startBroker = async (): Promise<TestBroker> => {
  const [curve, root, seal, id] = [curveKeyPair(), newSigningKeys(), await newSealKeys(), newId()]
  const moduleKeys = newSigningKeys()
  const router = new Router({
    sendHighWaterMark: 0,
    curveServer: true,
    curveSecretKey: curve.secretKey,
    linger: 0,
    mandatory: true,
    sendTimeout: 0,
  })
  await router.bind('tcp://127.0.0.1:*')
  const endpoint = router.lastEndpoint ?? ''
  const trusted = new Map<Id, string>()
  const hellos = new Map<string, { agent: Id; boot: Id; agentNonce: string; brokerNonce: string }>()
  let session: { routing: Buffer; token: string } | null = null
  let queue = Promise.resolve()
  const write = (routing: Buffer, ...frames: readonly Buffer[]): Promise<void> => {
    const sent = queue.then(() => (broker.hung ? undefined : router.send([routing, ...frames])))
    queue = sent.then(
      () => undefined,
      () => undefined,
    )
    return queue
  }
  const say = (routing: Buffer, token: string | undefined, ...[kind, body]: Send) =>
    write(routing, fromBroker.encode(kind, body, token))

  const hello = async (routing: Buffer, message: FromAgent): Promise<void> => {
    const key = routing.toString('hex')
    if (message.kind === 'hello.start') {
      const brokerNonce = newSecret()
      hellos.set(key, {
        agent: message.body.agent,
        boot: message.body.boot,
        agentNonce: message.body.nonce,
        brokerNonce,
      })
      const serverKey = broker.onHello.serverKey ?? curve.publicKey
      await say(routing, undefined, 'hello.challenge', { broker: id, serverKey, nonce: brokerNonce, version: 1 })
    } else if (message.kind === 'hello.proof') {
      const begun = hellos.get(key)
      const agentKey = trusted.get(begun?.agent ?? '') ?? ''
      const { signature, journalCounter } = message.body
      const facts = { broker: id, serverKey: curve.publicKey, agentKey, version: 1, journalCounter }
      if (broker.onHello.refuse) return say(routing, undefined, 'hello.refused', broker.onHello.refuse)
      if (!begun || !helloIsGenuine(agentKey, { ...facts, ...begun }, signature))
        return say(routing, undefined, 'hello.refused', { reason: 'the proof is not genuine', retry: false })
      const token = newSecret()
      const body = {
        token,
        epoch: broker.sessions + 1,
        at: Date.now(),
        heartbeatMs: broker.heartbeatMs,
        keyset: broker.onHello.keyset ?? broker.keyset,
      }
      if (broker.onHello.early) await say(routing, token, ...broker.onHello.early)
      await say(routing, token, 'hello.welcome', body)
      session = { routing, token }
      broker.sessions += 1
    }
  }
  const partBytes = 1_000
  const handOut = async (routing: Buffer, token: string | undefined, hash: string): Promise<void> => {
    const module = broker.modules.get(hash)
    if (!module) return say(routing, token, 'module.refused', { hash, reason: 'there is no such module' })
    const bytes = Buffer.from(JSON.stringify(module))
    const of = Math.ceil(bytes.length / partBytes)
    for (let part = 0; part < of; part += 1) {
      const data = bytes.subarray(part * partBytes, (part + 1) * partBytes).toString('base64')
      await say(routing, token, 'module.part', { hash, part, of, data })
    }
  }
  const take = async (routing: Buffer, message: FromAgent): Promise<void> => {
    if (message.token === undefined) return hello(routing, message)
    if (message.token !== session?.token) return
    if (message.kind === 'heartbeat') return say(routing, message.token, 'heartbeat', {})
    broker.received.push(message)
    if (message.kind === 'goodbye') session = null
    if (message.kind === 'module.pull') await handOut(routing, message.token, message.body.hash)
    if (message.kind !== 'call.result') return
    const { id } = message.body
    broker.results.set(id, [...(broker.results.get(id) ?? []), message.body])
    if (broker.settles) await say(routing, message.token, 'call.settled', { ids: [id] })
  }
  const broker: TestBroker = {
    endpoint,
    root,
    sealPrivateKey: seal.privateKey,
    keyset: makeKeyset(root, {
      curveServerKeys: [curve.publicKey],
      sealKey: seal.publicKey,
      endpoints: [endpoint],
      moduleKeys: [moduleKeys.publicKey],
    }),
    moduleKeys,
    modules: new Map(),
    received: [],
    results: new Map(),
    sessions: 0,
    settles: true,
    hung: false,
    onHello: {},
    heartbeatMs: wireLimits.heartbeatMs,
    trust: (agent, signKey) => void trusted.set(agent, signKey),
    send: async (...message) => {
      if (session) await say(session.routing, session.token, ...message)
    },
    sendRaw: async frames => {
      if (session) await write(session.routing, ...frames)
    },
    token: () => session?.token,
    online: () => session !== null,
    close: () => router.close(),
  }
  const read = async (): Promise<void> => {
    for await (const [routing, frame] of router) {
      const message = frame ? fromAgent.decode(frame) : null
      if (routing && message && message.kind !== 'malformed') await take(routing, message)
    }
  }
  void read().catch(() => undefined) // ends when the socket is closed
  return broker
}

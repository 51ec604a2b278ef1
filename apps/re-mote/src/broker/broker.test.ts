import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { fromAgent, newId, newSigningKeys, signKeyset, type Keyset } from '@re-ops/protocols'
import { curveKeyPair, Dealer, Reply } from 'zeromq'
import { startFakeAgent, type FakeAgent, type FakeIdentity } from '../testing/fake-agent.ts'
import { until } from '../testing/until.ts'
import { superviseBroker, type BrokerEnd, type BrokerProcess } from '../zmq/supervisor.ts'
import { makeRouter } from './router.ts'
import type { AllowEntry, AllowState, BrokerSays } from './port.ts'

const serverCurve = curveKeyPair()
const root = newSigningKeys()
const keyset: Keyset = signKeyset(root, {
  serial: 1,
  root: root.publicKey,
  installation: newId(),
  curveServerKeys: [serverCurve.publicKey],
  sealKey: root.publicKey,
  moduleKeys: [],
  endpoints: ['tcp://127.0.0.1:1'],
  notBefore: new Date(0).toISOString(),
  notAfter: new Date(4e12).toISOString(),
})

const newIdentity = (): FakeIdentity => ({ host: newId(), curve: curveKeyPair(), sign: newSigningKeys() })
const entry = (identity: FakeIdentity, state: AllowState = 'enrolled'): AllowEntry => ({
  key: identity.curve.publicKey,
  agent: identity.host,
  signKey: identity.sign.publicKey,
  state,
})

type Rig = {
  readonly says: BrokerSays[]
  readonly ends: BrokerEnd[]
  readonly broker: BrokerProcess
  endpoint(): Promise<string>
  find<K extends BrokerSays['kind']>(kind: K): Extract<BrokerSays, { kind: K }>[]
  dropped(reason: string): number
}
const cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A real broker process; every hello is admitted with the next epoch unless told otherwise. */
const startRig = (allowed: readonly AllowEntry[], { admits = true } = {}): Rig => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-broker-'))
  const says: BrokerSays[] = []
  const ends: BrokerEnd[] = []
  let epoch = 0
  let bind = 'tcp://127.0.0.1:*'
  const broker = superviseBroker({
    start: () => ({
      kind: 'start',
      broker: newId(),
      bind,
      curve: serverCurve,
      shakesFile: join(folder, 'shakes'),
    }),
    onSays: batch => {
      says.push(...batch)
      for (const item of batch) {
        if (item.kind === 'listening') bind = item.endpoint
        if (item.kind === 'hello' && admits) {
          epoch += 1
          broker.say({ kind: 'admit', routing: item.routing, agent: item.agent, epoch })
        }
      }
    },
    onUp: () => {
      broker.say({ kind: 'keyset', keyset })
      broker.say({ kind: 'allow', full: true, ageMs: 0, entries: allowed })
    },
    onEnd: end => ends.push(end),
    report: () => undefined,
  })
  cleanups.push(async () => {
    await broker.close()
    rmSync(folder, { recursive: true })
  })
  const find = <K extends BrokerSays['kind']>(kind: K) =>
    says.filter((item): item is Extract<BrokerSays, { kind: K }> => item.kind === kind)
  return {
    says,
    ends,
    broker,
    find,
    endpoint: async () => (await until('the broker listens', () => find('listening').at(-1))).endpoint,
    dropped: reason => find('stats').reduce((sum, stats) => sum + (stats.drops[reason] ?? 0), 0),
  }
}
const dial = async (
  rig: Rig,
  identity: FakeIdentity,
  more: Partial<Parameters<typeof startFakeAgent>[0]> = {},
): Promise<FakeAgent> => {
  const endpoint = await rig.endpoint()
  const agent = startFakeAgent({ endpoint, serverKey: serverCurve.publicKey, identity, ...more })
  cleanups.push(agent.close)
  return agent
}

describe('who gets in', () => {
  test('an allowed agent says hello, and only then is it heard', async () => {
    const identity = newIdentity()
    const rig = startRig([entry(identity)])
    const agent = await dial(rig, identity)
    expect(await agent.live()).toBe(1)
    await agent.say('call.result', { id: newId(), ms: 1, result: { ok: true, value: 7 } })
    const heard = await until('the result', () => rig.find('heard')[0])
    expect(heard).toMatchObject({ agent: identity.host, epoch: 1, message: { kind: 'call.result' } })
  })

  test("a stranger's key is refused, and looked up once at the service", async () => {
    const rig = startRig([entry(newIdentity())])
    const stranger = newIdentity()
    const agent = await dial(rig, stranger)
    await until('the look-up', () => rig.find('lookup')[0]?.key === stranger.curve.publicKey)
    await until('the drop is counted', () => rig.dropped('unknown-key') > 0)
    expect(agent.heard).toEqual([])
    // Known a moment later, the same agent gets in without being started again.
    rig.broker.say({ kind: 'allow', full: false, ageMs: 0, entries: [entry(stranger)] })
    expect(await agent.live()).toBe(1)
  })

  test('a revoked key is refused and its live session ends', async () => {
    const [identity, other] = [newIdentity(), newIdentity()]
    const rig = startRig([entry(identity), entry(other)])
    const [agent, untouched] = [await dial(rig, identity), await dial(rig, other)]
    await Promise.all([agent.live(), untouched.live()])
    rig.broker.say({ kind: 'allow', full: false, ageMs: 0, entries: [entry(identity, 'revoked')] })
    const end = await until('the session ends', () => agent.heard.find(m => m.kind === 'session.end'))
    expect(end.body).toEqual({ reason: 'revoked', retry: false })
    agent.redial()
    await until('the handshake is refused', () => rig.dropped('revoked-key') > 0)
    expect(rig.find('ended').map(ended => ended.agent)).toEqual([identity.host])
    expect(untouched.token).toBeDefined()
  })

  test('with the authenticator dead nobody connects', async () => {
    const router = makeRouter(serverCurve)
    await router.bind('tcp://127.0.0.1:*')
    cleanups.push(() => router.close())
    const received: unknown[] = []
    void (async () => {
      for await (const frames of router) received.push(frames)
    })()
    const endpoint = router.lastEndpoint as string
    const identity = newIdentity()
    const agent = startFakeAgent({ endpoint, serverKey: serverCurve.publicKey, identity })
    cleanups.push(agent.close)
    const events: string[] = []
    // Iterated, and in this one test only: zeromq's observers do not survive a change of jest's environment.
    void (async () => {
      for await (const { type } of agent.socket.events) events.push(type)
    })()
    await until('the handshake fails', () => events.some(event => /^(disconnect|handshake:error)/.test(event)))
    expect(events).not.toContain('handshake')
    // The same router lets it in as soon as somebody answers for it: the refusal above was not a wrong key.
    const handler = new Reply({ linger: 0 })
    await handler.bind('inproc://zeromq.zap.01')
    cleanups.push(() => handler.close())
    void (async () => {
      for await (const [version, id] of handler) await handler.send([version, id, '200', 'OK', '', ''] as Buffer[])
    })()
    agent.redial()
    await until('the hello arrives', () => received.length > 0)
  })

  test('a client without CURVE and garbage bytes do no harm', async () => {
    const identity = newIdentity()
    const rig = startRig([entry(identity)])
    const port = Number(new URL(await rig.endpoint()).port)
    for (const bytes of [randomBytes(4096), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(64, 0xff)]) {
      const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
      await new Promise(resolve => socket.on('error', resolve).on('close', resolve).resume())
    }
    const plain = new Dealer({ linger: 0 })
    cleanups.push(() => plain.close())
    plain.connect(await rig.endpoint())
    await plain.send('hello')
    const agent = await dial(rig, identity)
    expect(await agent.live()).toBe(1)
    expect(rig.ends).toEqual([])
  })
})

describe('who speaks', () => {
  test('an enrolled agent that speaks as another is refused and audited', async () => {
    const [mallory, victim] = [newIdentity(), newIdentity()]
    const rig = startRig([entry(mallory), entry(victim)])
    const agent = await dial(rig, { ...mallory, host: victim.host })
    const refused = await until('the refusal', () => agent.heard.find(m => m.kind === 'hello.refused'))
    expect(refused.body).toEqual({ reason: 'the proof does not fit the identity', retry: true })
    await until('the audit', () => rig.find('audit')[0])
    expect(rig.find('audit')[0]).toMatchObject({ action: 'hello.refused', agent: victim.host })
    expect(rig.find('hello')).toEqual([])
  })

  test('a message with a token that is not that of the connection is dropped, counted and audited', async () => {
    const [identity, other] = [newIdentity(), newIdentity()]
    const rig = startRig([entry(identity), entry(other)])
    const [agent, second] = [await dial(rig, identity), await dial(rig, other)]
    await Promise.all([agent.live(), second.live()])
    await agent.say('goodbye', { reason: 'forged' }, second.token)
    const audit = await until('the audit', () => rig.find('audit')[0])
    expect(audit).toMatchObject({ action: 'message.refused', agent: identity.host })
    await until('the drop is counted', () => rig.dropped('wrong-token') === 1)
    expect(rig.find('ended')).toEqual([])
  })

  test('before its hello nobody is heard, and hostile frames are counted', async () => {
    const identity = newIdentity()
    const rig = startRig([entry(identity)], { admits: false })
    const agent = await dial(rig, identity)
    await until('the hello', () => rig.find('hello')[0])
    await agent.say('goodbye', { reason: 'too early' }, 'x'.repeat(43))
    await agent.socket.send(['two', 'frames'])
    await agent.socket.send(Buffer.from('['.repeat(50_000)))
    await agent.socket.send(fromAgent.encode('call.acked', { id: 'not an id', running: true }))
    await until(
      'all are counted',
      () => rig.dropped('no-session') && rig.dropped('frames') && rig.dropped('malformed') >= 2,
    )
    expect(rig.find('heard')).toEqual([])
    expect(rig.ends).toEqual([])
  })

  test('a newer hello of the same agent supersedes the older session', async () => {
    const identity = newIdentity()
    const rig = startRig([entry(identity)])
    const first = await dial(rig, identity, { reconnect: false })
    await first.live()
    const second = await dial(rig, identity, { boot: first.boot })
    expect(await second.live()).toBe(2)
    await until('the first is told', () => first.heard.find(m => m.kind === 'session.end'))
    await until('the service is told', () => rig.find('ended')[0])
    expect(rig.find('ended')).toMatchObject([{ agent: identity.host, epoch: 1, reason: 'superseded' }])
    rig.broker.say(callTo(identity.host, 1, newId()))
    await until('a send that names the old epoch is refused', () => rig.find('unsent')[0])
  })
})

const callTo = (agent: string, epoch: number, id: string) => ({
  kind: 'calls' as const,
  shape: { operation: 'ping', input: null, timeoutMs: 1000, outputBytesMax: 1024, requestId: 'r' },
  to: [{ agent, epoch, id }],
})

describe('sending', () => {
  test('a call to an agent that is gone is reported as not sent, and its session ends', async () => {
    const identity = newIdentity()
    const rig = startRig([entry(identity)])
    const agent = await dial(rig, identity)
    const epoch = await agent.live()
    agent.close()
    await until('the session ends by itself', () => rig.find('ended')[0])
    const id = newId()
    rig.broker.say(callTo(identity.host, epoch, id))
    expect(await until('the refusal', () => rig.find('unsent')[0])).toMatchObject({ calls: [id], why: 'gone' })
  })
})

test('a small module goes ahead of its first call in a session, a large one waits until it is asked for', async () => {
  const identity = newIdentity()
  const rig = startRig([entry(identity)])
  const agent = await dial(rig, identity)
  const epoch = await agent.live()
  const [small, large] = ['a'.repeat(64), 'b'.repeat(64)]
  rig.broker.say({ kind: 'module', hash: small, text: '"small"' })
  rig.broker.say({ kind: 'module', hash: large, text: JSON.stringify('x'.repeat(10_000)) })
  const ids = [newId(), newId(), newId()]
  const hashes = [small, large, small]
  ids.forEach((id, n) => {
    const { shape, ...to } = callTo(identity.host, epoch, id)
    rig.broker.say({ ...to, shape: { ...shape, module: hashes[n] as string } })
  })
  await until('the last call', () => agent.heard.find(m => m.kind === 'call' && m.body.id === ids[2]))
  const told = agent.heard.flatMap(m =>
    m.kind === 'module.part' ? [m.body.data] : m.kind === 'call' ? [m.body.id] : [],
  )
  expect(told).toEqual([Buffer.from('"small"').toString('base64'), ...ids])
  await agent.say('module.pull', { hash: large })
  await until('the large one', () => agent.heard.find(m => m.kind === 'module.part' && m.body.hash === large))
})

describe('a peer can abort the broker', () => {
  test('claiming the next routing id costs a restart, and the record names the key', async () => {
    const [mallory, honest] = [newIdentity(), newIdentity()]
    const rig = startRig([entry(mallory), entry(honest)])
    await (await dial(rig, honest)).live()
    const firstPid = rig.broker.pid
    // Without an id of its own a peer gets 0x00 and a 32-bit number that ROUTER counts up: learn one, claim the next, connect again.
    const learner = await dial(rig, mallory, { routingId: null, reconnect: false })
    await learner.live()
    const given = rig.find('hello').find(hello => hello.agent === mallory.host)?.routing as string
    expect(given).toMatch(/^\0.{4}$/s)
    const claimed = Buffer.from(given, 'latin1')
    claimed.writeUInt32BE((claimed.readUInt32BE(1) + 1) >>> 0, 1)
    const claimer = await dial(rig, mallory, { routingId: claimed, reconnect: false })
    await claimer.live()
    const breaker = await dial(rig, mallory, { routingId: null, reconnect: false })
    const end = await until('the broker aborts', () => rig.ends[0])
    for (const agent of [learner, claimer, breaker]) agent.close()
    expect(end).toMatchObject({ signal: 'SIGABRT', abortedAfter: mallory.curve.publicKey })
    await until('a new broker listens', () => rig.find('listening').length > 1)
    expect(rig.broker.pid).not.toBe(firstPid)
    await until('the honest agent is back', () => rig.find('hello').filter(h => h.agent === honest.host).length > 1)
  })
})

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  fromAgent,
  fromBroker,
  helloIsGenuine,
  newId,
  newSecret,
  newSigningKeys,
  signHello,
  type HelloFacts,
} from './index.ts'

const real = [
  fromAgent.encode('hello.start', { agent: newId(), boot: newId(), nonce: newSecret(), versions: [1] }),
  fromAgent.encode('heartbeat', {}, newSecret()),
  fromAgent.encode('call.result', { id: newId(), ms: 3, result: { ok: true, value: { deep: [{ a: 'b' }] } } }),
  fromAgent.encode('call.report', { calls: [{ id: newId(), state: 'unknown' }] }, newSecret()),
  fromBroker.encode('call', {
    id: newId(),
    operation: 'shell',
    input: { argv: ['uname', '-r'] },
    timeoutMs: 1000,
    outputBytesMax: 1000,
    requestId: 'r1',
  }),
  fromBroker.encode('call.settled', { ids: [newId(), newId()] }, newSecret()),
]

/** Bytes of a real message with some of them changed, cut, doubled. */
const mutated = fc
  .record({
    bytes: fc.constantFrom(...real),
    changes: fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 8 }),
    cut: fc.nat(400),
    doubled: fc.boolean(),
  })
  .map(({ bytes, changes, cut, doubled }) => {
    const copy = Buffer.from(bytes)
    for (const { at, byte } of changes) copy[at % copy.length] = byte
    const part = copy.subarray(0, cut === 0 ? copy.length : cut)
    return doubled ? Buffer.concat([part, part]) : part
  })

test('what is written once for many is for each what encode gives', () => {
  const bodies = fc.record({
    id: fc.uuid({ version: 4 }),
    operation: fc.string({ maxLength: 20 }),
    input: fc.jsonValue(),
    token: fc.option(fc.string({ maxLength: 43 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(bodies, ({ id, operation, input, token }) => {
      const shape = { operation, input, timeoutMs: 1, outputBytesMax: 1, requestId: 'r' }
      const [one, many] = [fromBroker.encode('call', { id, ...shape }, token), fromBroker.encoder('call', shape)]
      expect(JSON.parse(many({ id }, token).toString())).toEqual(JSON.parse(one.toString()))
      const whole = fromBroker.encoder('call', { id, ...shape })({}, token)
      expect(JSON.parse(whole.toString())).toEqual(JSON.parse(one.toString()))
    }),
  )
})

test('a short frame goes to the socket as text, a long one as bytes', () => {
  const framed = (input: string) =>
    fromBroker.encoder('call', { operation: 'shell', input, timeoutMs: 1, outputBytesMax: 1, requestId: 'r' })({
      id: newId(),
    })
  expect(typeof framed('short')).toBe('string')
  const long = framed('é'.repeat(20_000))
  expect(long).toBeInstanceOf(Buffer)
  expect(fromBroker.decode(long as Buffer)).toMatchObject({ kind: 'call', body: { input: 'é'.repeat(20_000) } })
})

describe('decode', () => {
  test('gives back what encode was given', () => {
    for (const bytes of real) {
      const [from, other] =
        bytes.includes('"shell"') || bytes.includes('settled') ? [fromBroker, fromAgent] : [fromAgent, fromBroker]
      const decoded = from.decode(bytes)
      expect(decoded.kind).not.toBe('malformed')
      expect(JSON.parse(bytes.toString())).toMatchObject({
        k: decoded.kind,
        b: 'body' in decoded ? decoded.body : null,
      })
      if (decoded.kind !== 'heartbeat') expect(other.decode(bytes).kind).toBe('malformed')
    }
  })

  test('never throws, whatever the bytes are', () => {
    const json = fc.json().map(text => Buffer.from(text))
    const framed = fc
      .record({
        k: fc.constantFrom('hello.start', 'call', 'call.result', 'x', '__proto__'),
        v: fc.anything(),
        b: fc.anything(),
      })
      .map(frame => Buffer.from(toJson(frame)))
    const hostile = fc.oneof(mutated, fc.uint8Array({ maxLength: 300 }), json, framed)
    fc.assert(
      fc.property(hostile, bytes => {
        for (const side of [fromAgent, fromBroker]) {
          const decoded = side.decode(bytes)
          if (decoded.kind === 'malformed') expect('why' in decoded && decoded.why.length).toBeGreaterThan(0)
          else expect(() => JSON.stringify(decoded)).not.toThrow()
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('refuses what nests deeply, since writing it again would exhaust the stack', () => {
    const deep = (open: string, close: string, n: number) =>
      Buffer.from(
        `{"k":"call.result","v":1,"b":{"id":"${newId()}","ms":1,"result":{"ok":true,"value":${open.repeat(n)}1${close.repeat(n)}}}}`,
      )
    expect(fromAgent.decode(deep('[', ']', 90)).kind).toBe('call.result')
    expect(fromAgent.decode(deep('[', ']', 400_000))).toEqual({ kind: 'malformed', why: 'nested deeper than 100' })
    expect(fromAgent.decode(deep('{"a":', '}', 100_000)).kind).toBe('malformed')
    expect(fromAgent.decode(Buffer.from('['.repeat(900_000))).kind).toBe('malformed')
  })

  test('brackets inside text are not nesting', () => {
    const value = '[{"\\"[['.repeat(200)
    const bytes = fromAgent.encode('call.result', { id: newId(), ms: 1, result: { ok: true, value } })
    expect(fromAgent.decode(bytes)).toMatchObject({ body: { result: { value } } })
  })

  test('names what is wrong: version, token, field', () => {
    const frame = (parts: object) =>
      fromAgent.decode(Buffer.from(JSON.stringify({ k: 'heartbeat', v: 1, b: {}, ...parts })))
    expect(frame({ v: 2 })).toEqual({ kind: 'malformed', why: 'version of heartbeat is not 1' })
    expect(frame({ t: 'x'.repeat(65) })).toEqual({ kind: 'malformed', why: 'bad token' })
    expect(frame({ k: 'call.acked', b: { id: '../../etc', running: true } })).toMatchObject({
      why: expect.stringContaining('call.acked/id'),
    })
  })
})

const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one)) ?? 'null'

describe('hello', () => {
  const keys = newSigningKeys()
  const facts: HelloFacts = {
    broker: newId(),
    serverKey: 'k'.repeat(40),
    agent: newId(),
    agentKey: keys.publicKey,
    agentNonce: newSecret(),
    brokerNonce: newSecret(),
    boot: newId(),
    version: 1,
    journalCounter: 7,
  }
  const signature = signHello(keys, facts)

  test('a signature holds for exactly what was signed', () => {
    expect(helloIsGenuine(keys.publicKey, facts, signature)).toBe(true)
    for (const [name, value] of Object.entries(facts)) {
      const other = { ...facts, [name]: typeof value === 'number' ? value + 1 : `${value}x` }
      expect([name, helloIsGenuine(keys.publicKey, other, signature)]).toEqual([name, false])
    }
    expect(helloIsGenuine(newSigningKeys().publicKey, facts, signature)).toBe(false)
  })

  test('hostile keys and signatures are false, not errors', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (key, text) => {
        expect(helloIsGenuine(key, facts, signature)).toBe(false)
        expect(helloIsGenuine(keys.publicKey, facts, text)).toBe(false)
      }),
    )
  })
})

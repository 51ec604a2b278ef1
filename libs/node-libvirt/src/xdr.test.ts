import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { procedures } from './procedures.ts'
import { chars, domain, remoteError, typedParam, uuid } from './types.ts'
import {
  decode,
  double,
  encode,
  fixed,
  flag,
  hyper,
  int,
  list,
  opaque,
  optional,
  size,
  struct,
  text,
  uhyper,
  uint,
  XdrError,
  type Xdr,
} from './xdr.ts'

const string = fc.string({ unit: 'binary' }).filter(written => !written.includes('\0') && written.isWellFormed())
const cases: [string, Xdr<never>, fc.Arbitrary<unknown>][] = [
  ['int', int, fc.integer()],
  ['uint', uint, fc.nat({ max: 0xffff_ffff })],
  ['flag', flag, fc.boolean()],
  ['hyper', hyper, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['uhyper', uhyper, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  ['size', size, fc.maxSafeNat()],
  ['double', double, fc.double({ noNaN: true })],
  ['opaque', opaque(7), fc.uint8Array({ minLength: 7, maxLength: 7 }).map(bytes => Buffer.from(bytes))],
  ['text', text(4_000), string],
  ['optional', optional(text(4_000)), fc.option(string)],
  ['list', list(int, 50), fc.array(fc.integer(), { maxLength: 50 })],
  ['fixed', fixed(int, 3), fc.array(fc.integer(), { minLength: 3, maxLength: 3 })],
  ['struct', struct({ a: int, b: text(4_000) }), fc.record({ a: fc.integer(), b: string }, { noNullPrototype: true })],
  ['uuid', uuid, fc.uuid()],
  ['chars', chars(8), fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') })],
  [
    'typed parameter',
    typedParam as never,
    fc.record(
      {
        field: string,
        value: fc.oneof(
          fc.integer(),
          fc.boolean(),
          string,
          fc.constant(1.5),
          fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        ),
      },
      { noNullPrototype: true },
    ),
  ],
].map(([name, type, values]) => [name as string, type as Xdr<never>, values as fc.Arbitrary<unknown>])

describe.each(cases)('%s', (_name, type, values) => {
  test('comes back as it was, in whole words', () => {
    fc.assert(
      fc.property(values, value => {
        const bytes = encode(type, value as never)
        expect(bytes.length % 4).toBe(0)
        expect(decode(type, bytes)).toEqual(value)
      }),
      { numRuns: 50 },
    )
  })
  test('of a part of its bytes is an XdrError', () => {
    fc.assert(
      fc.property(values, fc.nat(), (value, at) => {
        const bytes = encode(type, value as never)
        expect(() => decode(type, bytes.subarray(0, at % bytes.length))).toThrow(XdrError)
      }),
      { numRuns: 25 },
    )
  })
})

test('hostile bytes are an XdrError in every type of the protocol, and nothing else', () => {
  const types = [...Object.values(procedures).map(one => one.returns as Xdr<unknown>), remoteError as Xdr<unknown>]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: types.length - 1 }), (bytes, n) => {
      try {
        decode(types[n] as Xdr<unknown>, Buffer.from(bytes))
      } catch (error) {
        expect(error).toBeInstanceOf(XdrError)
      }
    }),
    { numRuns: 500 },
  )
})

test('bytes are those of RFC 4506', () => {
  const dom = { name: 'web-1', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: -1 }
  const bytes = encode(domain, dom).toString('hex')
  expect(bytes).toBe('000000057765622d3100000000112233445566778899aabbccddeeffffffffff')
  expect(encode(size, 2 ** 40).toString('hex')).toBe('0000010000000000')
})

test.each<[string, Xdr<never>, unknown, string]>([
  ['a number with a fraction', int as never, 1.5, '1.5 is not an integer'],
  ['one too large', uint as never, 2 ** 32, 'is not an integer from 0 to 4294967295'],
  ['a negative size', size as never, -1, 'from 0 to 2^53-1'],
  ['a text with NUL', text(10) as never, 'a\0b', 'holds NUL'],
  ['a text too long', text(3) as never, 'abcd', 'allowed are 3'],
  ['too many', list(int, 1) as never, [1, 2], 'allowed are 1'],
  ['no UUID', uuid as never, 'abc', 'is not a UUID'],
])('%s is refused and named', (_name, type, value, why) => {
  expect(() => encode(type, value as never)).toThrow(why)
})

test('a size beyond what a number holds is refused, not rounded', () => {
  expect(() => decode(size, encode(uhyper, 2n ** 53n))).toThrow('more than 2^53-1')
})

test('every procedure has a number of its own', () => {
  const numbers = Object.values(procedures).map(one => one.number)
  expect(new Set(numbers).size).toBe(numbers.length)
  expect(procedures).toMatchObject({
    open: { number: 1 },
    domainDefine: { number: 350 },
    domainEventOn: { number: 316 },
  })
})

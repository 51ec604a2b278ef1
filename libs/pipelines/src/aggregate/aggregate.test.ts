import { describe, expect, test } from '@jest/globals'
import type { FailureKind, HostRef, HostResult } from '@re-ops/protocols'
import fc from 'fast-check'
import { aggregate, groupBy, parseSummary, reduce, sketchError, SummaryError, type Aggregate } from '../index.ts'
import { hostsOf } from '../testing.ts'

const hosts = hostsOf(60)
const ok = (n: number, value: unknown): HostResult<unknown> => ({
  host: hosts[n % hosts.length] as HostRef,
  ms: n,
  ok: true,
  value,
})
const failed = (n: number, kind: FailureKind): HostResult<unknown> => ({
  host: hosts[n % hosts.length] as HostRef,
  ms: n,
  ok: false,
  failure: { kind, message: kind, step: 'x' },
})

const number = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.integer({ min: -1_000_000, max: 1_000_000 }),
  fc.double({ min: 1e-12, max: 1e12, noNaN: true }).map(n => Math.round(n * 1024) / 1024),
)
const value = fc.oneof(
  fc.record({
    a: number,
    s: fc.constantFrom('x', 'y', 'z'),
    list: fc.array(fc.record({ b: number, mount: fc.constantFrom('/', '/data') }), { maxLength: 3 }),
  }),
  fc.record({ a: fc.oneof(fc.constant(null), fc.constant('text'), fc.boolean()) }),
  fc.constant([{ a: 3 }]),
)
const results = fc.array(
  fc.tuple(fc.nat(59), fc.oneof(value, fc.constantFrom<FailureKind>('exit', 'lost'))).map(([n, one]) =>
    typeof one === 'string' ? failed(n, one) : ok(n, one)), // prettier-ignore
  { maxLength: 40 },
)
const everything = [
  'count', 'sum', 'min', 'max', 'mean', 'p0', 'p50', 'p99.9', 'p100', 'histogram', 'buckets', 'buckets(-5,0,100)', 'top3', 'bottom2',
] // prettier-ignore
const summary = { a: everything, s: ['histogram'], 'list.b': everything, 'list.mount': ['histogram', 'count'] }

/** Sums of binary fractions of this size are exact, so equal is equal. */
const associative = <S, T>(of: Aggregate<unknown, S, T>, arbitrary: fc.Arbitrary<HostResult<unknown>[]>, runs = 40) =>
  fc.assert(
    fc.property(arbitrary, arbitrary, arbitrary, (x, y, z) => {
      const [a, b, c] = [of.of(x), of.of(y), of.of(z)]
      const before = JSON.stringify([a, b, c])
      const left = of.merge(of.merge(a, b), c)
      expect(left).toEqual(of.merge(a, of.merge(b, c)))
      expect(of.merge(a, b)).toEqual(of.merge(b, a))
      expect(left).toEqual(of.of([...x, ...y, ...z]))
      expect([...x, ...y, ...z].reduce(of.add, of.empty)).toEqual(left)
      expect(of.merge(a, of.empty)).toEqual(a)
      expect(JSON.stringify([a, b, c])).toBe(before) // merging changes nothing of its parts
      expect(of.end(JSON.parse(JSON.stringify(left)) as S)).toEqual(of.end(left))
    }),
    { numRuns: runs },
  )

describe('merging is associative and commutative, the same as adding one by one, and survives JSON', () => {
  test('of every function', () => associative(aggregate(summary), results))

  test('of groups, also beyond their limit', () => {
    associative(groupBy('a', summary, { groupsMax: 5 }), results)
    associative(groupBy('list.mount', { 'list.b': ['p95', 'sum'] }), results)
    associative(groupBy('nothing', { a: ['count'] }, { groupsMax: 1 }), results)
  })

  test('of more distinct values than are kept apart', () => {
    const many = fc.array(
      fc.integer({ min: 0, max: 600 }).map(a => ok(a, { a })),
      { minLength: 150, maxLength: 400 },
    )
    const all = aggregate({ a: ['histogram', 'count'] })
    associative(all, many, 20)
    fc.assert(
      fc.property(many, some => {
        const { histogram, count } = all.end(all.of(some)).fields['a'] ?? {}
        expect(Object.values(histogram as Record<string, number>).reduce((sum, n) => sum + n, 0)).toBe(count)
      }),
      { numRuns: 20 },
    )
  })

  test('of numbers further apart than a sketch has buckets', () => {
    const wide = fc.array(
      fc.tuple(fc.integer({ min: -8, max: 300 }), fc.integer({ min: 1, max: 9 }), fc.boolean()).map(([power, digit, up]) =>
        ok(1, { a: Number(`${up ? '' : '-'}${digit}e${power}`) })), // prettier-ignore
      { minLength: 1, maxLength: 60 },
    )
    const dense = fc
      .integer({ min: 0, max: 5_000 })
      .map(first => Array.from({ length: 2_400 }, (_, n) => ok(n, { a: 1.03 ** ((first + n * 3) % 9_000) })))
    associative(aggregate({ a: ['p50', 'p99'] }), wide, 50)
    associative(aggregate({ a: ['p50', 'p99'] }), dense, 1)
  })
})

describe('a report', () => {
  const report = (names: readonly string[], values: readonly unknown[]) => {
    const all = aggregate({ a: names })
    return all.end(all.of(values.map((a, n) => ok(n, { a })))).fields['a'] ?? {}
  }

  test('says what was asked, by name', () => {
    const all = aggregate({ a: ['count', 'min', 'max', 'sum', 'mean', 'histogram'], 'list.b': ['max'], '.': ['count'] })
    const state = all.of([
      ok(0, { a: 1, list: [{ b: 3 }, { b: 9 }] }),
      ok(1, { a: 3 }),
      ok(2, { a: 'x' }),
      failed(3, 'lost'),
      failed(4, 'lost'),
    ])
    expect(all.end(state)).toEqual({
      ok: 3,
      failures: { lost: 2 },
      fields: {
        a: { count: 3, min: 1, max: 3, sum: 4, mean: 2, histogram: { 1: 1, 3: 1, x: 1 } },
        'list.b': { max: 9 },
        '.': { count: 3 },
      },
    })
  })

  test('quantiles are within their error of a number that was there', () => {
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 0, max: 100 }),
        (values, percent) => {
          const found = report([`p${percent}`], values)[`p${percent}`] as number
          const exact = values.toSorted((a, b) => a - b)[Math.floor((percent / 100) * (values.length - 1))] as number
          const near = values.toSorted((a, b) => a - b)[Math.ceil((percent / 100) * (values.length - 1))] as number
          const within = (one: number) => Math.abs(found - one) <= Math.abs(one) * (sketchError + 1e-9) + 1e-9
          expect(within(exact) || within(near)).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
    expect(report(['p50'], ['text'])).toEqual({ p50: null })
  })

  test('buckets hold each number once, between edges people know or gave', () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 60 }), values => {
        const found = report(['buckets', 'buckets(-5,0,100)'], values)
        for (const name of ['buckets', 'buckets(-5,0,100)'])
          for (const { from, to, count } of found[name] as {
            from: number | null
            to: number | null
            count: number
          }[]) {
            const inside = (n: number) => {
              if (name === 'buckets' && from === 0) return Math.abs(n) < 1e-9
              if (name === 'buckets' && (from as number) < 0) return n > (from as number) && n <= (to as number)
              return n >= (from ?? -Infinity) && n < (to ?? Infinity)
            }
            expect(values.filter(inside)).toHaveLength(count)
          }
      }),
    )
    expect(report(['buckets'], [0, 1, 1.9, 2, 1000, -3])['buckets']).toEqual([
      { from: -5, to: -2, count: 1 },
      { from: 0, to: 0, count: 1 },
      { from: 1, to: 2, count: 2 },
      { from: 2, to: 5, count: 1 },
      { from: 1000, to: 2000, count: 1 },
    ])
  })

  test('top and bottom name each host once, with its highest or lowest', () => {
    const all = aggregate({ a: ['top2', 'bottom1'] })
    const state = all.of([ok(0, { a: [5, 9] }), ok(1, { a: 7 }), ok(2, { a: 9 }), ok(3, { a: 1 })])
    expect(all.end(state).fields['a']).toEqual({
      top2: [{ host: hosts[0], value: 9 }, { host: hosts[2], value: 9 }], // prettier-ignore
      bottom1: [{ host: hosts[3], value: 1 }],
    })
  })

  test('groups are the biggest first, hosts without the field apart, failures beside', async () => {
    const found = await reduce(
      [
        ok(0, { os: 'debian', n: 1 }), ok(1, { os: 'debian', n: 3 }), ok(2, { os: 'alpine', n: 5 }), ok(3, {}), failed(4, 'exit'),
      ], // prettier-ignore
      groupBy('os', { n: ['sum'] }),
    )
    expect(found).toEqual({
      by: 'os',
      ok: 4,
      failures: { exit: 1 },
      groups: [
        { key: 'debian', ok: 2, fields: { n: { sum: 4 } } },
        { key: '(none)', ok: 1, fields: { n: { sum: 0 } } },
        { key: 'alpine', ok: 1, fields: { n: { sum: 5 } } },
      ],
      others: null,
    })
  })

  test('of 100,000 hosts keeps no more than of a few', () => {
    const all = groupBy('key', { a: everything }, { groupsMax: 10 })
    const bytes = [10_000, 100_000].map(count => {
      let state = all.empty
      for (let from = 0; from < count; from += 1_000)
        state = all.merge(
          state,
          all.of(Array.from({ length: 1_000 }, (_, n) => ok(n, { key: `k${(from + n) % 40}`, a: (from + n) % 97 }))),
        )
      expect(all.end(state).groups).toHaveLength(10)
      return JSON.stringify(state).length
    })
    expect(bytes[1]).toBeLessThan((bytes[0] as number) * 1.2)
  })
})

describe('a summary as text', () => {
  test('names fields and functions', () => {
    expect(parseSummary('os.id; mounts.used:p95, top3 ,buckets(0.5,0.9)')).toEqual({
      'os.id': ['histogram'],
      'mounts.used': ['p95', 'top3', 'buckets(0.5,0.9)'],
    })
  })

  test.each([
    ['', '1 to 32 fields'],
    ['a:avg', 'unknown function `avg`; allowed are count, sum, min'],
    ['a:p101', 'unknown function `p101`'],
    ['a:top0', 'unknown function `top0`'],
    ['a:', '`a` needs a function'],
    ['a:sum;a:max', 'each field once'],
    ['a:b:c', 'not field:function,function'],
    ['a:buckets(2,1)', 'edges are numbers that go up'],
    ['a:buckets(1,,2)', 'edges are numbers that go up'],
  ])('%j is refused', (text, why) => {
    expect(() => parseSummary(text)).toThrow(SummaryError)
    expect(() => parseSummary(text)).toThrow(why)
  })
})

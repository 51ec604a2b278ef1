import { describe, expect, test } from '@jest/globals'
import type { FailureKind, HostResult } from '@re-ops/protocols'
import fc from 'fast-check'
import { byFailure, diff, fold, foldResults, groupBy, reduce, summarise } from './index.ts'
import { hostsOf } from './testing.ts'

const hosts = hostsOf(40)
const ok = <A>(n: number, value: A): HostResult<A> => ({
  host: hosts[n] ?? { id: '', name: '' },
  ms: n,
  ok: true,
  value,
})
const not = (n: number, kind: FailureKind, message: string = kind): HostResult<never> => ({
  host: hosts[n] ?? { id: '', name: '' },
  ms: n,
  ok: false,
  failure: { kind, message, step: 'x', callId: `call ${n}`, stderrTail: `pid ${n}` },
})
const anyOutcome = fc
  .array(
    fc.oneof(
      fc.record({ a: fc.integer({ min: -9, max: 9 }), s: fc.constantFrom('x', 'y') }),
      fc.constantFrom<FailureKind>('exit', 'lost'),
    ),
    { maxLength: 40 },
  )
  .map(list => list.map((one, n) => (typeof one === 'string' ? not(n, one) : ok(n, one))))

describe('folding', () => {
  test('identical results are one group; failures first, the biggest group last', () => {
    const results = [
      ok(0, { v: 1, w: 2 }),
      ok(1, { w: 2, v: 1 }),
      ok(2, { v: 2, w: 2 }),
      not(3, 'exit'),
      not(4, 'exit'),
      not(5, 'lost'),
    ]
    const groups = foldResults(results)
    expect(groups.map(group => [group.ok, group.hosts.map(host => host.name)])).toEqual([
      [false, ['h5']],
      [false, ['h3', 'h4']],
      [true, ['h2']],
      [true, ['h0', 'h1']],
    ])
  })

  test('fields that differ by nature are not compared, also inside lists', () => {
    const results = [0, 1].map(n => ok(n, { at: n, disks: [{ mount: '/', used: n }], name: 'same' }))
    expect(foldResults(results)).toHaveLength(2)
    expect(foldResults(results, { varies: ['at', 'disks.used'] })).toHaveLength(1)
    expect(foldResults(results, { varies: ['at', 'disks.used'] })[0]).toMatchObject({ value: { at: 0 }, results })
  })

  test('what an operation folds together is one group; a fold that cannot read a value leaves it apart', () => {
    const results = [16_000, 16_400, 32_000].map((total, n) => ok(n, { total, at: n }))
    const fold = (value: unknown) => {
      const { total } = value as { total: number }
      if (total > 20_000) throw new Error('another version')
      return { ...(value as object), total: Number(total.toPrecision(2)) }
    }
    const groups = foldResults(results, { varies: ['at'], fold })
    expect(groups.map(group => group.hosts.map(host => host.name))).toEqual([['h2'], ['h0', 'h1']])
  })

  test('every host is in exactly one group', () => {
    fc.assert(
      fc.property(anyOutcome, results => {
        const names = foldResults(results).flatMap(group => group.hosts.map(host => host.name))
        expect(names.sort()).toEqual(results.map(result => result.host.name).sort())
      }),
    )
  })

  test('groupBy keeps the failed beside', () => {
    const found = groupBy([ok(0, 1), ok(1, 2), ok(2, 3), not(3, 'exit')], result => ({ odd: result.value % 2 === 1 }))
    expect(found.groups.map(group => [group.key, group.hosts.length])).toEqual([
      [{ odd: true }, 2],
      [{ odd: false }, 1],
    ])
    expect(found.failed).toHaveLength(1)
  })

  test('diff names what changed, came and went; nothing differs from itself', () => {
    const before = [ok(0, 1), ok(1, 1), ok(2, 1), not(4, 'exit')]
    const after = [ok(0, 1), ok(1, 2), ok(3, 1), not(4, 'exit')]
    const found = diff(after, before)
    expect(found).toMatchObject({ changed: [{ host: hosts[1], before: { value: 1 }, after: { value: 2 } }], same: 2 })
    expect([found.added, found.removed].map(list => list.map(one => one.host.name))).toEqual([['h3'], ['h2']])
    fc.assert(
      fc.property(anyOutcome, results => {
        expect(diff(results, results)).toEqual({ changed: [], added: [], removed: [], same: results.length })
      }),
    )
  })

  test('summarise and byFailure count every result once', async () => {
    await fc.assert(
      fc.asyncProperty(anyOutcome, async results => {
        const summary = summarise(results)
        expect(summary.expected).toBe(results.length)
        expect(summary.ok + summary.failed).toBe(results.length)
        const kinds = byFailure(results)
        for (const [kind, count] of Object.entries(summary.failures))
          expect(kinds[kind as FailureKind]).toHaveLength(count)
        expect(
          await reduce(
            results,
            fold(0, n => n + 1),
          ),
        ).toBe(results.length)
      }),
    )
    expect(summarise([], 3)).toEqual({ expected: 3, ok: 0, failed: 0, failures: {} })
  })
})

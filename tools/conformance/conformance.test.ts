import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { catalogue, operationNamed } from '@re-ops/operations'
import type { Target } from '@re-ops/protocols'
import { differences, shortcoming } from './compare.ts'
import { families } from './examples/index.ts'
import { recordedCases, recordedShortcoming } from './recorded.ts'
import { reportOf, standingsOf, standingTable, type Standing } from './standing.ts'
import type { Verdict } from './run-examples.ts'

type Kept = { readonly standings: readonly Standing[] }

const examples = families.flatMap(family => family.examples)

describe('the examples', () => {
  test.each(examples.map(one => [one.operation, one.name ?? '', one] as const))(
    '%s %s fits its schema',
    (name, _, one) => {
      expect(operationNamed(name)?.checkInput(one.input ?? {})).toEqual([])
    },
  )

  test('every operation has one that works, or enough recorded cases: each with program, version and source, one an error', () => {
    const cases = recordedCases()
    const works = new Set(examples.filter(one => !one.fails).map(one => one.operation))
    const lacking = catalogue
      .filter(one => !works.has(one.name))
      .map(one => [one.name, recordedShortcoming(cases.get(one.name) ?? [])])
      .filter(([, why]) => why !== null)
    expect(lacking).toEqual([])
  })

  test('names are told apart', () => {
    const names = examples.map(one => `${one.operation} ${one.name ?? (one.fails ? 'fails' : 'works')}`)
    expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([])
  })
})

test('the kept result knows every operation, and of none that it differs, fails or has too few recorded cases', () => {
  const kept = JSON.parse(readFileSync(new URL('results/conformance.json', import.meta.url), 'utf8')) as Kept
  const ends = new Map(kept.standings.map(one => [one.operation, one.end]))
  const short = catalogue
    .map(({ name }) => [name, ends.get(name) ?? 'not run yet'])
    .filter(([, end]) => end !== 'pass' && end !== 'recorded')
  expect(short).toEqual([])
})

const ok = (value: unknown): Target => ({ host: { id: 'h', name: 'h' }, state: 'ok', step: null, ms: 1, value })
const failed = (kind: 'exit' | 'invalid', code: number, message = 'no'): Target => ({
  ...ok(undefined),
  state: kind,
  failure: { kind, code, message, step: 's' },
})
const uptime = operationNamed('uptime')

describe('the comparison', () => {
  const example = { operation: 'uptime' }
  test('a stable field that differs, another end, another code are told; what is volatile is not', () => {
    if (!uptime) throw new Error('no uptime')
    const compare = (zmq: Target, ssh: Target, more: object = {}) =>
      differences(uptime, { ...example, ...more }, { zmq, ssh })
    const now = { seconds: 100, bootedAt: '2026-01-01T00:00:00Z' }
    expect(compare(ok(now), ok({ ...now, seconds: 101 }))).toEqual([])
    expect(compare(ok(now), ok({ ...now, bootedAt: '2026-01-02T00:00:00Z' }))).toEqual([
      expect.stringContaining('/bootedAt'),
    ])
    expect(compare(ok(now), failed('exit', 1))).toEqual(['zmq ends ok, ssh ends exit (no)'])
    expect(compare(failed('exit', 1), failed('exit', 2))).toEqual(['code: zmq 1, ssh 2'])
    expect(compare(failed('exit', 1, 'a'), failed('exit', 1, 'b'))).toEqual(['message: zmq "a", ssh "b"'])
    expect(compare(failed('exit', 1, 'a'), failed('exit', 1, 'b'), { ownWords: true })).toEqual([])
  })

  test('an example that does not show what it is there for falls short', () => {
    expect(
      shortcoming({ ...example, gives: { list: [{ a: 1 }] } }, ok({ list: [{ a: 2 }, { a: 1, b: 1 }] })),
    ).toBeNull()
    expect(shortcoming({ ...example, gives: { a: 1 } }, ok({ a: 2 }))).toContain('gives {"a":2}')
    expect(shortcoming({ ...example, fails: { kind: 'exit', code: 1 } }, failed('exit', 2))).toContain(
      'not exit with 1',
    )
    expect(shortcoming({ ...example, fails: { kind: 'exit' } }, ok(1))).toContain('was to fail')
    expect(shortcoming(example, failed('exit', 2))).toBe('ends exit (no)')
  })
})

describe('the report', () => {
  const verdict = (operation: string, end: Verdict['end'], isError = false): Verdict => ({
    operation,
    example: 'x',
    isError,
    end,
    why: ['why'],
  })
  const one = { operation: 'c', name: 'n', program: 'p 1', source: 's' }
  const recorded = new Map([
    ['c', [one, one, { ...one, failure: {} }]],
    ['d', [one, one, one]],
  ])

  test('only what works over both is live; recorded cases count when they are enough', () => {
    const verdicts = [verdict('a', 'pass'), verdict('b', 'differs'), verdict('b', 'pass'), verdict('d', 'pass', true)]
    const standings = standingsOf(['a', 'b', 'c', 'd'], verdicts, recorded)
    expect(standings.map(({ operation, end }) => [operation, end])).toEqual([
      ['a', 'pass'],
      ['b', 'differs'],
      ['c', 'recorded'],
      ['d', 'skipped'],
    ])
    expect(reportOf(standings).measures).toMatchObject({
      operations: 4,
      live: 2,
      liveShare: 0.5,
      withoutEnoughRecorded: 1,
      differs: 1,
      errorsCompared: 1,
    })
    expect(standingTable(standings)).toContain('none of its recorded cases is an error')
  })
})

test.each([
  [['--only', 'no-such'], 'no operation has that in its name'],
  [['--nope'], "Unknown option '--nope'"],
])(
  '%j is refused in one line',
  (args, message) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
      encoding: 'utf8',
    })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(message)])
  },
  30_000,
)

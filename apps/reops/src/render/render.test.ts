import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { expandNodeset } from '@re-ops/protocols'
import { hostsText, nodesets } from './nodeset.ts'
import { outcomeText, progressText, summaryText, type Display, type Group } from './outcome.ts'
import { harmless, makePaint } from './paint.ts'
import { phasesText, systemsProgress } from './system.ts'
import { table } from './table.ts'
import { ago, duration } from './units.ts'
import { bytesText, valueText } from './value.ts'

const look = { paint: makePaint(false), width: null }
const ok = (names: readonly string[], ...values: unknown[]): Group => ({
  ok: true,
  results: names.map((name, at) => ({ host: { name }, value: values[at] ?? values[0] })),
})
const failed = (names: readonly string[], failure: (Group & { ok: false })['failure']): Group => ({
  ok: false,
  failure,
  results: names.map(name => ({ host: { name } })),
})
const shell = (stdout: string, more: object = {}) => ({ stdout, stderr: '', code: 0, truncated: false, ...more })
const lines = (...all: string[]) => all.map(line => `${line}\n`).join('')

describe('names of many hosts', () => {
  test('are written as a selector takes them', () => {
    expect(nodesets(['web3', 'web1', 'web2', 'web10', 'db'])).toEqual(['db', 'web[1-3,10]'])
    expect(nodesets(['demo-1'])).toEqual(['demo-1'])
    expect(nodesets(['n08', 'n09', 'n10', 'n7'])).toEqual(['n[7,08-10]'])
    expect(nodesets(['a1.x', 'a2.x', 'a1.y'])).toEqual(['a[1-2].x', 'a1.y'])
    expect(hostsText(['a', 'b', 'c'], 2)).toBe('a, b, … (3 hosts)')
  })
  test('expand to exactly the hosts', () => {
    const name = fc.tuple(
      fc.constantFrom('web', 'db-', 'n1-', 'x'),
      fc.integer({ min: 0, max: 120 }),
      fc.constantFrom('', '.eu', 'b'),
      fc.boolean(),
    )
    fc.assert(
      fc.property(
        fc.uniqueArray(
          name.map(([stem, n, tail, padded]) => `${stem}${padded ? String(n).padStart(3, '0') : n}${tail}`),
        ),
        names => {
          expect(
            nodesets(names)
              .flatMap(set => expandNodeset(set))
              .toSorted(),
          ).toEqual(names.toSorted())
        },
      ),
    )
  })
})

describe('an outcome', () => {
  test('of commands with one line each is a table', () => {
    expect(
      outcomeText(
        [ok(['build'], shell('6.1\n')), ok(['demo-1', 'demo-2', 'demo-3'], shell('6.18\n'))],
        undefined,
        look,
      ),
    ).toBe(lines('HOST            OUTPUT', 'build           6.1', 'demo-[1-3] (3)  6.18'))
  })

  test('of commands with several lines is text under the hosts, folded', () => {
    const value = shell('a\nb\n', { code: 3, truncated: true })
    expect(outcomeText([ok(['a1', 'a2'], value)], undefined, look)).toBe(
      lines('a[1-2] (2)', '  a', '  b', '  (exit code 3)', '  (cut: the output is longer than the limit)'),
    )
  })

  test('shows failures first, with reason and the end of stderr', () => {
    const groups = [
      failed(['web-08'], { kind: 'timeout', message: 'timeout after 10 s', step: 'disk', stillRunning: true }),
      failed(['web-1', 'web-2'], {
        kind: 'exit',
        message: 'exit code 2',
        step: '2:shell',
        stderrTail: 'no such file\n',
      }),
      failed(['web-3'], { kind: 'lost', message: 'agent died', step: 'disk', started: 'unknown' }),
      ok(['web-4'], { used: 1 }),
    ]
    expect(outcomeText(groups, undefined, look)).toBe(
      lines(
        'web-08  timeout after 10 s (still running there)',
        'web-[1-2]  exit code 2  at step 2:shell',
        '  no such file',
        'web-3  lost: agent died (started: unknown)',
        'HOST   USED',
        'web-4  1',
      ),
    )
  })

  const display: Display = {
    columns: [
      { title: 'KERNEL', get: value => (value as { kernel: string }).kernel },
      { title: 'FREE', get: value => bytesText((value as { free: number }).free) },
    ],
  }
  test('with columns is one line for each group; what varies within it is a span', () => {
    const values = [
      { kernel: '6.1', free: 2048 },
      { kernel: '6.1', free: 10_240 },
    ]
    expect(outcomeText([ok(['a1', 'a2'], ...values), ok(['b'], { kernel: '5.1', free: 1 })], display, look)).toBe(
      lines('HOST        KERNEL  FREE', 'a[1-2] (2)  6.1     2.0 KiB .. 10 KiB', 'b           5.1     1 B'),
    )
  })

  test('a value that the columns cannot read is a question mark', () => {
    expect(outcomeText([ok(['a'], null)], display, look)).toBe(lines('HOST  KERNEL  FREE', 'a     ?       ?'))
  })

  test('a list is a table of its own under its hosts', () => {
    const rows: Display = {
      rows: value => (value as { mounts: unknown[] }).mounts,
      columns: [{ title: 'MOUNT', get: row => (row as { mount: string }).mount }],
    }
    expect(
      outcomeText(
        [ok(['a1', 'a2'], { mounts: [{ mount: '/' }, { mount: '/var' }] }), ok(['b'], { mounts: [] })],
        rows,
        look,
      ),
    ).toBe(lines('a[1-2] (2)', '  MOUNT', '  /', '  /var', 'b', '  (none)'))
  })

  test('without a hint: flat objects as columns, anything else as JSON', () => {
    expect(outcomeText([ok(['a'], { at: 'x', totalBytes: 4096 })], undefined, look)).toBe(
      lines('HOST  AT  TOTALBYTES', 'a     x   4.0 KiB'),
    )
    expect(outcomeText([ok(['a'], [1, { b: 2 }])], undefined, look)).toBe(lines('HOST  VALUE', 'a     [1,{"b":2}]'))
  })

  test('ends with the counts', () => {
    const summary = { expected: 44, ok: 43, failed: 1, failures: { timeout: 1 } }
    expect(summaryText(summary, 412, look.paint)).toBe('expected 44 · ok 43 · failed 1 (timeout 1) · 0.4 s')
    expect(summaryText({ ...summary, ok: 44, failed: 0, failures: {} }, 412, look.paint)).toBe(
      'expected 44 · ok 44 · 0.4 s',
    )
    expect(progressText([], 3, 1234)).toBe('  0 of 3 hosts · 1.2 s')
  })
})

test('what hosts send cannot steer the terminal', () => {
  expect(harmless('a\u001B[2Jb\u0007\tc\r\nd\u009Be é 漢 😀')).toBe('a\\x1b[2Jb\\x07\tc\nd\\x9be é 漢 😀')
  expect(outcomeText([ok(['a'], shell('\u001B]0;x\u0007'))], undefined, look)).not.toContain('\u001B')
  expect(valueText({ a: '\u0000' })).not.toContain('\u0000')
})

test('tables fit the terminal: the widest column is cut', () => {
  const text = table(['A', 'B'], [['x'.repeat(50), 'y'.repeat(14)]], { ...look, width: 40 })
  expect(text.split('\n').every(line => line.length <= 40)).toBe(true)
  expect(text).toContain('…')
  expect(table(['A', 'EMPTY'], [['1', '']], look)).toBe('A\n1\n')
})

test('a column that people copy from is whole, whatever the terminal; the others are cut instead', () => {
  const [reference, problem] = ['file:/etc/re-ops/the/key/of/aws', 'it does not answer '.repeat(4)]
  const row = ['aws', '', reference, problem]
  const text = table(['ACCOUNT', 'ID', 'SECRET', 'PROBLEM'], [row], { ...look, width: 60, whole: ['ID', 'SECRET'] })
  expect(text).toContain(` ${reference} `)
  expect(text.split('\n').every(line => line.length <= 60)).toBe(true)
  expect(table(['A', 'SECRET'], [['x', reference]], { ...look, width: 20, whole: ['SECRET'] })).toContain(reference)
})

test('phases read as a sentence', () => {
  const at = '2026-01-01T00:00:00.000Z'
  const spans = [
    { name: 'requested' as const, at, ms: 80 },
    { name: 'booting' as const, at, ms: 5100 },
    { name: 'enrolled' as const, at, ms: 700 },
    { name: 'ready' as const, at, ms: null },
  ]
  expect(phasesText(spans, { phase: 'ready', afterMs: 9100 }, look.paint)).toBe(
    'requested 80 ms · booting 5.1 s · enrolled 700 ms · ready after 9.1 s',
  )
  expect(systemsProgress(['booting', 'booting', 'ready'], 1)).toBe('  booting 2 · ready 1 · 1 of 3 done')
})

test('times and sizes', () => {
  expect([0, 999, 1500, 61_000, 7_500_000, 400_000_000].map(duration)).toEqual([
    '0 ms',
    '999 ms',
    '1.5 s',
    '1 min 1 s',
    '2 h 5 min',
    '4 d',
  ])
  expect(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:12Z'))).toBe('12 s ago')
  expect([0, 512, 2048, 3.3e9, 2.4e13].map(bytesText)).toEqual(['0 B', '512 B', '2.0 KiB', '3.1 GiB', '22 TiB'])
})

test('colours are only where they are wanted', () => {
  expect(makePaint(false).bad('x')).toBe('x')
  expect(makePaint(true).bad('x')).toBe('\u001B[31mx\u001B[39m')
})

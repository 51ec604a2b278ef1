import { expect, test } from '@jest/globals'
import { holds } from '../proof/report.ts'
import { caseNames } from './case-names.ts'
import { keptCells, reportOf } from './report.ts'
import { cannot, elsewhere } from './testing/elsewhere.ts'
import { fill, matrixText, wanted, type Cell } from './matrix.ts'

test('every case has its row, what no test shows is said, and what was left out has its reason', () => {
  expect([wanted.length, caseNames.length]).toEqual([44, 44])
  const taken = new Map([
    [
      1,
      new Map<string, Cell>([
        ['L', 'pass'],
        ['F', { skip: 'no zones' }],
      ]),
    ],
  ])
  const cells = fill(taken, letter => (letter === 'M' ? 'no server' : null))
  expect([...(cells.get(1) ?? [])]).toEqual([
    ['L', 'pass'],
    ['F', { skip: 'no zones' }],
    ['M', { skip: 'no server' }],
    ['D', 'none'],
    ['T', 'none'],
    ['K', 'none'],
  ])
  const lines = matrixText(cells).split('\n')
  expect(lines[1]).toBe('   1  pass  skip  skip  none  none  none')
  expect(lines).toContain('  1 F: no zones')
  expect(lines[44]).toBe('  44  -     -     -     -     -     none')
})

test('what is shown elsewhere is a case of the table', () => {
  for (const { n, letters } of elsewhere)
    for (const letter of letters) expect([n, wanted[n - 1]?.includes(letter)]).toEqual([n, true])
  for (const { n, letter } of cannot) expect([n, wanted[n - 1]?.includes(letter)]).toEqual([n, true])
})

test('the report counts cells, and holds when none failed and none is missing', () => {
  const row = (...cells: [string, Cell][]) => new Map([[1, new Map(cells)]])
  const good: [string, Cell] = ['L', 'pass']
  const left: [string, Cell] = ['F', { skip: 'no zones' }]
  expect(reportOf(row(good, left), 0).measures).toEqual({
    cases: 1,
    passed: 1,
    skipped: 1,
    missing: 0,
    failed: 0,
    brokenFiles: 0,
  })
  expect(holds(reportOf(row(good, left), 0))).toBe(true)
  for (const end of ['fail', 'none'] as const) expect(holds(reportOf(row(good, ['D', end]), 0))).toBe(false)
  expect([holds(reportOf(row(good), 1)), holds(reportOf(row(left), 0))]).toEqual([false, false])
  expect(keptCells(row(good, left))).toEqual([
    { n: 1, letter: 'L', end: 'pass' },
    { n: 1, letter: 'F', end: 'skip', why: 'no zones' },
  ])
})

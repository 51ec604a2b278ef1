import { expect, test } from '@jest/globals'
import { cannot, elsewhere } from './testing/elsewhere.ts'
import { fill, matrixText, wanted, type Cell } from './matrix.ts'

test('every case has its row, what no test shows is said, and what was left out has its reason', () => {
  expect(wanted).toHaveLength(44)
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

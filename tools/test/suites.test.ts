import { expect, test } from '@jest/globals'
import { countsLine, sumOf } from './counts.ts'
import { countsOf } from './jest.ts'
import { plan, suites } from './suites.ts'

test('every heavy file runs exactly once, also one that no row names', () => {
  const files = [
    'tools/chaos/foundation.heavy.test.ts',
    'libs/new/a.heavy.test.ts',
    'tools/images/compose.heavy.test.ts',
  ]
  const planned = plan(suites, files)
  expect(planned.flatMap(one => one.files).toSorted()).toEqual(files.toSorted())
  expect(planned.map(one => one.suite.name)).toEqual(['chaos', 'compose', 'other'])
})

test('a test file that cannot be loaded is a failure, and what is left out is skipped', () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
    numRuntimeErrorTestSuites: 1,
  }
  expect(countsOf(report)).toEqual({ passed: 3, failed: 2, skipped: 3 })
})

test('the last line is the sum', () => {
  const counts = sumOf([
    { passed: 1, failed: 0, skipped: 2 },
    { passed: 3, failed: 1, skipped: 0 },
  ])
  expect(countsLine(counts)).toBe('4 passed, 1 failed, 2 skipped')
})

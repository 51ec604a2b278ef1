import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { countsLine, sumOf } from './counts.ts'
import { countsOf, failuresOf } from './jest.ts'
import { plan, suites } from './suites.ts'

const report = {
  numPassedTests: 3,
  numFailedTests: 1,
  numPendingTests: 2,
  numTodoTests: 1,
  numRuntimeErrorTestSuites: 1,
  testResults: [
    {
      name: '/project/apps/a.test.ts',
      status: 'failed',
      message: 'all of it',
      assertionResults: [
        { status: 'passed', fullName: 'a pong', failureMessages: [] },
        {
          status: 'failed',
          fullName: 'a ping answers',
          failureMessages: [
            '\u001b[31mError: not within 10000 ms\u001b[39m\n\n    at until (/project/apps/until.ts:3:1)\n    at run (/project/node_modules/jest/x.js:1:1)',
          ],
        },
      ],
    },
    { name: '/project/libs/b.test.ts', status: 'failed', message: 'cannot find module x', assertionResults: [] },
    { name: '/project/libs/c.test.ts', status: 'passed', message: '', assertionResults: [] },
  ],
}

test('every heavy file runs exactly once, also one that no row names', () => {
  const root = join(import.meta.dirname, '../..')
  const there = globSync('{libs,apps,tools,deploy}/**/*.heavy.test.ts', { cwd: root, exclude: ['**/node_modules/**'] })
  expect(there).toContain('tools/chaos/foundation.heavy.test.ts')
  const files = [...there, 'libs/new/a.heavy.test.ts']
  const planned = plan(suites, files)
  expect(planned.flatMap(one => one.files).toSorted()).toEqual(files.toSorted())
  expect(planned.at(-1)?.suite.name).toBe('other')
})

test('a test file that cannot be loaded is a failure, and what is left out is skipped', () => {
  expect(countsOf(report)).toEqual({ passed: 3, failed: 2, skipped: 3 })
})

test('what failed is named with its path and its first words', () => {
  expect(failuresOf(report, '/project')).toEqual([
    '  apps/a.test.ts: a ping answers',
    '      Error: not within 10000 ms',
    '          at until (/project/apps/until.ts:3:1)',
    '  libs/b.test.ts',
    '      cannot find module x',
  ])
})

test('the last line is the sum', () => {
  const counts = sumOf([
    { passed: 1, failed: 0, skipped: 2 },
    { passed: 3, failed: 1, skipped: 0 },
  ])
  expect(countsLine(counts)).toBe('4 passed, 1 failed, 2 skipped')
})

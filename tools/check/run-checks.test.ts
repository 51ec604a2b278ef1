import { expect, test } from '@jest/globals'
import { runChecks } from './run-checks.ts'

test('a check that finds something, or breaks, has failed; one that cannot look is skipped with its reason', async () => {
  const lines: string[] = []
  const checks = [
    { name: 'good', doc: 'd', run: async () => ({ findings: [] }) },
    { name: 'bad', doc: 'd', run: async () => ({ findings: ['line 1 is wrong'] }) },
    { name: 'broken', doc: 'd', run: () => Promise.reject(new Error('it broke')) },
    { name: 'blind', doc: 'd', run: async () => ({ findings: [], skipped: 'nothing to look at' }) },
  ]
  const counts = await runChecks('.', checks, line => lines.push(line))
  expect(counts).toEqual({ passed: 1, failed: 2, skipped: 1 })
  expect(lines.join('\n')).toMatch(/line 1 is wrong[\s\S]*it broke[\s\S]*nothing to look at/)
})

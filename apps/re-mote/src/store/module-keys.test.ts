import { expect, test } from '@jest/globals'
import { moduleKeyRules, rotatedModuleKeys, signingKeyOf } from './module-keys.ts'

const { rotateAfterMs, overlapMs, publishedForMs } = moduleKeyRules
const start = Date.parse('2030-01-01T00:00:00Z')

test('a key is published a day before it signs, overlaps with the one before, which is retired after a month', () => {
  const first = rotatedModuleKeys([], start)
  expect(first).toHaveLength(1)
  expect(signingKeyOf(first, start)).toBe(first[0])
  expect(rotatedModuleKeys(first, start + rotateAfterMs - 1)).toBe(first)
  const at = start + rotateAfterMs + 1
  const both = rotatedModuleKeys(first, at)
  expect(both).toHaveLength(2)
  expect(signingKeyOf(both, at)).toBe(first[0])
  expect(signingKeyOf(both, at + publishedForMs)).toBe(both[0])
  expect(rotatedModuleKeys(both, at + overlapMs - 1)).toBe(both)
  const after = rotatedModuleKeys(both, at + overlapMs + 1)
  expect(after).toEqual([both[0]])
  expect(rotatedModuleKeys(after, at + overlapMs + 2)).toBe(after)
})

import { expect, test } from '@jest/globals'
import { migrations } from './migrations.ts'

test('what was released stays where it was: a database is known by the order of its migrations', () => {
  const names = migrations.map(({ name }) => name)
  expect(names.slice(0, 2)).toEqual(['001-foundation', 'idempotency'])
  expect(new Set(names).size).toBe(names.length)
})

import { expect, test } from '@jest/globals'
import { Check } from 'typebox/value'
import { Id, newId } from './ids.ts'

test('new ids are UUIDs that sort by when they were made, also within a millisecond', () => {
  const ids = Array.from({ length: 5_000 }, newId)
  expect(ids.every(id => Check(Id, id))).toBe(true)
  expect(ids.every(id => id[14] === '7')).toBe(true)
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

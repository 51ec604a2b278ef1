import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { median, quantile } from './report.ts'

const upTo = (n: number) => Array.from({ length: n }, (_, at) => at + 1)

test('a quantile is by nearest rank: the least value that as large a share is not above', () => {
  expect(quantile(upTo(20), 0.95)).toBe(19)
  expect(quantile(upTo(100), 0.99)).toBe(99)
  expect(quantile(upTo(10), 0.95)).toBe(10)
  expect(median(upTo(5))).toBe(3)
  expect(quantile(upTo(4), 0)).toBe(1)
  expect(quantile(upTo(4), 1)).toBe(4)
  expect(quantile([], 0.5)).toBeNaN()
})

test('at least the share is at or below it, and no lesser value has that', () => {
  const values = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 100 }), (all, percent) => {
      const share = (limit: number) => all.filter(one => one <= limit).length * 100
      const found = quantile(all, percent / 100)
      expect(all).toContain(found)
      expect(share(found)).toBeGreaterThanOrEqual(percent * all.length)
      for (const less of all.filter(one => one < found)) expect(share(less)).toBeLessThan(percent * all.length)
    }),
  )
})

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { makeLimiter } from './limiter.ts'

test('in any window nobody gets more than twice the limit, and who waits as told gets through', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      (pauses, max) => {
        let now = 0
        const limiter = makeLimiter(() => now)
        const limit = { max, windowMs: 1000 }
        const granted: number[] = []
        for (const pauseMs of pauses) {
          now += pauseMs
          const waitMs = limiter.take('a', limit)
          if (waitMs === 0) granted.push(now)
          else {
            now += waitMs
            expect(limiter.take('a', limit)).toBe(0)
            granted.push(now)
          }
        }
        for (const at of granted)
          expect(granted.filter(t => t >= at && t < at + 1000).length).toBeLessThanOrEqual(2 * max)
      },
    ),
    { examples: [[[0, 0, 0, 0, 0, 145], 3]] },
  )
})

test('callers do not share, and many callers do not fill the memory', () => {
  const limiter = makeLimiter(() => 0)
  const limit = { max: 1, windowMs: 1000 }
  expect([limiter.take('a', limit), limiter.take('b', limit)]).toEqual([0, 0])
  expect(limiter.take('a', limit)).toBe(1000)
  for (let n = 0; n < 20_000; n++) limiter.take(`c${n}`, limit)
  expect(limiter.take('a', limit)).toBe(0) // forgotten: the price of a bound
})

import { afterEach, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { callReport, callSettled, newId } from './index.ts'
import { makeValidator as walking } from './validator.agent.ts'
import { makeValidator as compiling } from './validator.ts'

const ids = Array.from({ length: 10_000 }, newId)
/** Takes so long to walk that the agent compiles the schema. */
const large = { ids, calls: ids.map(id => ({ id, state: 'lost' })) }

test.each([callReport, callSettled])(
  'an agent judges $kind as a service does, before and after it compiles',
  ({ body }) => {
    const [walk, compiled] = [walking(body), compiling(body)]
    const alike = (value: unknown): void => {
      expect(walk.check(value)).toBe(compiled.check(value))
      expect(walk.errors(value)).toEqual(compiled.errors(value))
    }
    const call = fc.record({
      id: fc.oneof(fc.uuid(), fc.string()),
      state: fc.constantFrom('lost', 'waiting', 'gone', 1),
    })
    const list = fc.oneof(fc.array(fc.uuid()), fc.array(call), fc.jsonValue())
    const values = fc.dictionary(fc.constantFrom('ids', 'calls', 'x'), list)
    for (let round = 0; round < 2; round += 1) {
      fc.assert(fc.property(values, alike), { numRuns: 300 })
      for (const value of [large, { ...large, ids: [...ids.slice(1), 'x'], calls: [...large.calls.slice(1), {}] }])
        alike(value)
    }
  },
)

afterEach(() => {
  jest.restoreAllMocks()
})

/** What a compiled schema does is the compiler's code: it no longer asks how much of the processor it took. */
const asksAfter = (checks: number, microsEach: number): number => {
  let micros = 0
  const asked = jest
    .spyOn(process, 'threadCpuUsage')
    .mockImplementation(() => ({ user: (micros += microsEach), system: 0 }))
  const { check } = walking(callSettled.body)
  for (let n = 0; n < checks; n += 1) expect(check({ ids: [] })).toBe(true)
  asked.mockClear()
  check({ ids: [] })
  return asked.mock.calls.length
}

test('an agent compiles a schema that takes it the processor, and none whose check only waited for one', () => {
  const clock = jest.spyOn(performance, 'now')
  let now = 0
  clock.mockImplementation(() => (now += 1_000)) // each look at the clock is a second later: others have the processor
  expect(asksAfter(5, 0)).toBe(2)
  expect(asksAfter(5, 3_000)).toBe(0)
})

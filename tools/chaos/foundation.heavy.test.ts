import { describe, expect, test } from '@jest/globals'
import { runFoundation, safety, shortPlan } from './foundation/foundation.ts'

const seed = 20_261_123
const limitMs = 300_000

describe('the short chaos run', () => {
  test(
    'loses nothing, starts nothing twice, leaves nothing behind',
    async () => {
      const said: string[] = []
      const { measures } = await runFoundation({ ...shortPlan, seed, faults: undefined }, line => said.push(line))
      const broken = safety.filter(key => measures[key] !== 0)
      expect({ broken, said: broken.length > 0 ? said : [] }).toEqual({ broken: [], said: [] })
      expect(measures).toMatchObject({ settled: 1, kills: shortPlan.kills })
    },
    limitMs,
  )

  // The two other seeded bugs need a kill within milliseconds; the long form of `chaos` looks for them.
  test(
    'catches an agent that keeps no journal',
    async () => {
      const plan = { ...shortPlan, seed, faults: 'no-journal', kinds: ['agent'], aimed: true } as const
      const { measures } = await runFoundation(plan, () => undefined)
      expect(safety.filter(key => measures[key] !== 0)).not.toEqual([])
    },
    limitMs,
  )
})

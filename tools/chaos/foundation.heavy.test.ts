import { describe, expect, test } from '@jest/globals'
import { runFoundation, safety, seededBugs, shortPlan } from './foundation/foundation.ts'

const seed = 20_261_123
const quiet = () => undefined
const kept: string[] = []
const keep = (line: string) => void kept.push(line)

describe('the short chaos run', () => {
  test('loses nothing, starts nothing twice, leaves nothing behind', async () => {
    const { measures } = await runFoundation({ ...shortPlan, seed, faults: undefined }, keep)
    const broken = safety.filter(key => measures[key] !== 0)
    expect({ broken, said: broken.length > 0 ? kept : [] }).toEqual({ broken: [], said: [] })
    expect(measures).toMatchObject({ settled: 1, kills: shortPlan.kills })
  }, 300_000)

  test.each(Object.entries(seededBugs))(
    'catches the seeded bug %s',
    async (faults, kinds) => {
      const { measures } = await runFoundation({ ...shortPlan, seed, faults, kinds, hurriedShare: 0.7 }, quiet)
      expect(safety.filter(key => measures[key] !== 0)).not.toEqual([])
    },
    300_000,
  )
})

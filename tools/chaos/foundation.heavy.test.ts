import { describe, expect, test } from '@jest/globals'
import { runFoundation, safety } from './foundation/foundation.ts'
import { bugForm, seededBugs, shortForm, type Fault } from './foundation/plan.ts'

const seed = 20_261_123
const limitMs = 300_000

describe('the short chaos run', () => {
  test(
    'loses nothing, starts nothing twice, leaves nothing behind',
    async () => {
      const said: string[] = []
      const { measures } = await runFoundation({ ...shortForm, seed, fault: undefined }, line => said.push(line))
      const broken = safety.filter(key => measures[key] !== 0)
      expect({ broken, said: broken.length > 0 ? said : [] }).toEqual({ broken: [], said: [] })
      expect(measures).toMatchObject({ settled: 1, kills: shortForm.kills })
    },
    limitMs,
  )

  test.each(Object.keys(seededBugs) as Fault[])(
    'catches the seeded bug %s by the harm it does',
    async fault => {
      const said: string[] = []
      const { measures } = await runFoundation({ ...bugForm(fault), seed, fault }, line => said.push(line))
      const harm = measures[seededBugs[fault].shows] ?? 0
      expect({ harm: harm > 0, said: harm > 0 ? [] : said }).toEqual({ harm: true, said: [] })
    },
    limitMs,
  )
})

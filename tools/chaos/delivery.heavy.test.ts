import { describe, expect, test } from '@jest/globals'
import { runDelivery, safety } from './delivery/delivery.ts'
import { bugForm, planOf, seededBugs, shortForm, type Fault } from './delivery/plan.ts'

const seed = 20_261_126
const limitMs = 300_000

describe('the short chaos run of delivery', () => {
  test.each([1, 2])(
    'with %d brokers ends every target, starts nothing twice, loses no result, and knows why what is lost is lost',
    async brokers => {
      const said: string[] = []
      const plan = planOf(shortForm, { brokers, seed, fault: undefined })
      const { measures } = await runDelivery(plan, line => said.push(line))
      const { agents, runs, blows } = shortForm
      const broken = safety.filter(key => measures[key] !== 0)
      const isWhole = broken.length === 0 && measures['agentsBack'] === agents
      expect({ broken, said: isWhole ? [] : said }).toEqual({ broken: [], said: [] })
      expect(measures).toMatchObject({ targets: runs * agents, blows, agentsBack: agents })
    },
    limitMs,
  )

  test.each(Object.keys(seededBugs) as Fault[])(
    'catches the seeded bug %s by the harm it does',
    async fault => {
      const said: string[] = []
      const { measures } = await runDelivery(planOf(bugForm(fault), { brokers: 1, seed, fault }), line =>
        said.push(line),
      )
      const harm = measures[seededBugs[fault].shows] ?? 0
      expect({ harm: harm > 0, said: harm > 0 ? [] : said }).toEqual({ harm: true, said: [] })
    },
    limitMs,
  )
})

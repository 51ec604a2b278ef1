import { describe, expect, test } from '@jest/globals'
import { runTarget, safety, shortPlan } from './lifecycle/lifecycle.ts'
import type { TargetName } from './lifecycle/stage.ts'

const seed = 20_261_126
const limitMs = 300_000
const run = async (target: TargetName, naive: boolean) => {
  const said: string[] = []
  const measures = await runTarget(target, { ...shortPlan, seed, naive }, line => void said.push(line))
  return { measures, said }
}

describe('worker processes killed at steps of create, resize, reload and destroy', () => {
  test.each<TargetName>(['fake-ec2', 'fake-do'])(
    '%s: no machine lost, doubled or left behind, and nothing else of them',
    async target => {
      const { measures, said } = await run(target, false)
      const broken = safety.filter(key => measures[key] !== 0)
      expect({ broken, said: broken.length > 0 ? said : [] }).toEqual({ broken: [], said: [] })
      expect(measures.deaths).toBeGreaterThan(shortPlan.steps)
    },
    limitMs,
  )

  test(
    'a worker that creates and then saves the id is found out',
    async () => {
      const { measures, said } = await run('fake-ec2', true)
      const harm = measures.orphans + measures.duplicates + measures.lost
      expect({ harm: harm > 0, said: harm > 0 ? [] : said }).toEqual({ harm: true, said: [] })
    },
    limitMs,
  )
})

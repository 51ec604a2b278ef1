import { expect, test } from '@jest/globals'
import { runTarget, safety, shortPlan } from './lifecycle/lifecycle.ts'

const seed = 20_261_126

test('libvirt: worker processes killed at steps of create, resize, reload and destroy leave nothing and lose nothing', async () => {
  const said: string[] = []
  const measures = await runTarget('libvirt-test', { ...shortPlan, seed, naive: false }, line => void said.push(line))
  const broken = safety.filter(key => measures[key] !== 0)
  expect({ broken, said: broken.length > 0 ? said : [] }).toEqual({ broken: [], said: [] })
}, 300_000)

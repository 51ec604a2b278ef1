import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { manualClock } from '../shared/clock.ts'
import { actionNames, startFakeDigitalOcean } from './fake.ts'
import { startGate, type Gate } from './gate.ts'
import { asker, walk } from './walk.ts'

let gate: Gate | undefined
beforeAll(async () => {
  gate = await startGate()
}, 200_000)
afterAll(() => gate?.stop())
const behind = () => (gate === undefined ? {} : { gate })

test('every request and every answer of the stand-in is as the official description has it', async () => {
  const fake = await startFakeDigitalOcean(behind())
  try {
    const wrong: unknown[] = []
    await walk(asker(fake), (step, came, expected) => {
      const violations = came.headers.get('sl-violations')
      if (came.status !== expected || violations !== null)
        wrong.push({ step, status: came.status, violations, body: came.body })
    })
    expect(wrong).toEqual([])
    const asked = new Set(fake.faults.asked())
    expect(actionNames().filter(name => !asked.has(name))).toEqual([])
  } finally {
    await fake.stop()
  }
})

test('the gate refuses what the description does not allow, and tells stand-ins apart', async () => {
  const [one, two] = [
    await startFakeDigitalOcean(behind()),
    await startFakeDigitalOcean({ ...behind(), clock: manualClock() }),
  ]
  try {
    expect((await asker(one)('POST /v2/droplets', { name: 'web-1' })).status).toBe(422)
    expect(one.cloud().droplets.size).toBe(0)
    const asked = { name: 'web-1', region: 'nyc3', size: 's-1vcpu-1gb', image: 'debian-12-x64' }
    expect((await asker(one)('POST /v2/droplets', asked)).status).toBe(202)
    expect([one, two].map(fake => fake.cloud().droplets.size)).toEqual([1, 0])
    expect((await asker(two, 'wrong')('GET /v2/account')).status).toBe(401)
  } finally {
    await one.stop()
    await two.stop()
  }
})

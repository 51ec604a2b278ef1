import { ec2Caps, makeEc2, noLimiter, type Place } from '@re-ops/re-core/testing'
import { manualClock } from '../stand-ins/shared/clock.ts'
import { startFakeEc2 } from '../stand-ins/ec2/fake.ts'
import { describeProvider } from './testing/describe-provider.ts'
import type { Mishaps, Target } from './testing/subject.ts'

const canary = 'canary-of-ec2-Zq8'
const pageMax = 100
const stepMs = 500
const stepsMax = 1_000

const codes = {
  auth: 'AuthFailure',
  denied: 'UnauthorizedOperation',
  throttled: 'RequestLimitExceeded',
  quota: 'VcpuLimitExceeded',
} as const

const start = async (): Promise<Target> => {
  const clock = manualClock()
  const fake = await startFakeEc2({ clock, setup: { pageMax } })
  const { setup, faults } = fake
  const place: Place = {
    account: { name: 'test', settings: { endpoint: fake.url }, secret: `AKIATEST:${canary}` },
    region: setup.region,
    limiter: noLimiter,
  }
  const mishaps: Mishaps = {
    loseReply: of =>
      faults.add({ action: of === 'create' ? 'RunInstances' : 'TerminateInstances', nth: 1, does: 'drop-after' }),
    landLate: lateApplyMs => faults.add({ action: 'RunInstances', nth: 1, does: { lateApplyMs } }),
    noCapacity: zone => void setup.capacity.set(`*|${zone}|*`, 0),
    breakSecondPage: () => faults.add({ action: 'DescribeInstances', nth: 2, does: { answer: 'InternalError' } }),
    lag: lagMs => void (setup.delays = { ...setup.delays, lagMs }),
    refuse: why => faults.add({ action: '*', nth: 1, does: { answer: codes[why] } }),
  }
  return {
    provider: makeEc2({}, place),
    another: makeEc2({}, place),
    spec: name => ({ name, type: 'web', size: 't3.small', image: 'debian-12', callHome: null, zones: [] }),
    alive: async () => fake.alive().map(one => one.id),
    leftovers: async () => {
      clock.settle()
      return [...fake.state.disks.keys()]
    },
    until: async (what, holds) => {
      for (let step = 0; !(await holds()); step += 1) {
        if (step > stepsMax) throw new Error(`not within ${(stepsMax * stepMs) / 1_000} s of its clock: ${what}`)
        clock.advance(stepMs)
      }
    },
    pass: async ms => clock.advance(ms),
    largerSize: 't3.large',
    zones: setup.zones,
    mishaps,
    canary,
    stop: fake.stop,
  }
}

describeProvider({
  letter: 'F',
  caps: ec2Caps,
  mishaps: ['loseReply', 'landLate', 'noCapacity', 'breakSecondPage', 'lag', 'refuse'],
  many: 205,
  extras: ['volumes', 'keys', 'firewalls', 'images'],
  start,
})

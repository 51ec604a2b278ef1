import { afterAll, beforeAll } from '@jest/globals'
import { doCaps, makeDigitalOcean, noLimiter, type Place } from '@re-ops/re-core/testing'
import { startFakeDigitalOcean, type Said } from '../stand-ins/digitalocean/fake.ts'
import { startGate, type Gate } from '../stand-ins/digitalocean/gate.ts'
import { manualClock } from '../stand-ins/shared/clock.ts'
import { describeProvider } from './testing/describe-provider.ts'
import type { Mishaps, Target } from './testing/subject.ts'

const canary = 'dop_v1_canary-of-digitalocean-Zq8'
const region = 'nyc3'
const stepMs = 500
const stepsMax = 1_000
/** A case on a clock of its own asks more in one moment than a minute allows. */
const limits = { perHour: 1_000_000, perMinute: 1_000_000 }

const refusals: Readonly<Record<'auth' | 'denied' | 'throttled' | 'quota', Said>> = {
  auth: { status: 401, id: 'unauthorized', message: `Unable to authenticate you with ${canary}` },
  denied: { status: 403, id: 'forbidden', message: 'You are not authorized to perform this operation' },
  throttled: {
    status: 429,
    id: 'too_many_requests',
    message: 'API Rate limit exceeded.',
    headers: { 'retry-after': '1' },
  },
  quota: {
    status: 422,
    id: 'unprocessable_entity',
    message: 'creating this/these droplet(s) will exceed your droplet limit',
  },
}

/** One for all cases: prism takes seconds to start. */
let gate: Gate | undefined
beforeAll(async () => {
  gate = await startGate()
}, 200_000)
afterAll(() => gate?.stop())

const start = async (): Promise<Target> => {
  const clock = manualClock()
  const fake = await startFakeDigitalOcean({ clock, tokens: [canary], limits, ...(gate ? { gate } : {}) })
  const { faults } = fake
  const cloud = fake.cloud()
  const place: Place = {
    account: { name: 'test', settings: { endpoint: fake.url }, secret: canary },
    region,
    limiter: noLimiter,
  }
  const mishaps: Mishaps = {
    loseReply: of =>
      faults.add({ action: of === 'create' ? 'droplets.create' : 'droplets.delete', nth: 1, does: 'drop-after' }),
    landLate: lateApplyMs => faults.add({ action: 'droplets.create', nth: 1, does: { lateApplyMs } }),
    breakSecondPage: () => faults.add({ action: 'droplets.list', nth: 2, does: { answer: { status: 500 } } }),
    lag: lagMs => void (cloud.delays.showMs = lagMs),
    refuse: why => faults.add({ action: 'droplets.create', nth: 1, does: { answer: refusals[why] } }),
  }
  return {
    provider: makeDigitalOcean({}, place),
    another: makeDigitalOcean({}, place),
    spec: name => ({ name, type: 'web', size: 'small', image: 'debian-12', callHome: null }),
    alive: async () => [...fake.cloud().droplets.keys()].map(String),
    leftovers: async () => {
      const { volumes, reservedIps, tags } = fake.cloud()
      const ofOne = [...tags].filter(tag => /^recore:(vm|expires|doomed):/.test(tag))
      return [...volumes.keys(), ...reservedIps.keys(), ...ofOne]
    },
    until: async (what, holds) => {
      for (let step = 0; !(await holds()); step += 1) {
        if (step > stepsMax) throw new Error(`not within ${(stepsMax * stepMs) / 1_000} s of its clock: ${what}`)
        clock.advance(stepMs)
      }
    },
    pass: async ms => clock.advance(ms),
    largerSize: 's-2vcpu-4gb',
    zones: [],
    mishaps,
    canary,
    stop: fake.stop,
  }
}

describeProvider({
  letter: 'D',
  caps: doCaps,
  mishaps: ['loseReply', 'landLate', 'breakSecondPage', 'lag', 'refuse'],
  many: 205,
  extras: ['volumes', 'keys', 'firewalls', 'images'],
  start,
})

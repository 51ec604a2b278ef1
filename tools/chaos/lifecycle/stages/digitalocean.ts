import { markKeys, pairOf } from '@re-ops/re-core/testing'
import type { Droplet } from '../../../stand-ins/digitalocean/cloud.ts'
import { startFakeDigitalOcean, type FakeDigitalOcean } from '../../../stand-ins/digitalocean/fake.ts'
import type { Machine, Stage } from '../stage.ts'

/** In real time; what DigitalOcean takes a minute for takes moments here, and re-core is told so. */
const delays = { createMs: 40, actMs: 40, tagMs: 100, listMs: 100, showMs: 50 }
/** Its limits are another proof's matter. */
const limits = { perHour: 10_000_000, perMinute: 10_000_000 }
const region = 'nyc3'

const machineOf = ({ id, tags, status }: Droplet): Machine => {
  const marks = Object.fromEntries([...tags].map(pairOf))
  return {
    ref: String(id),
    system: marks[markKeys.vmId] ?? null,
    generation: Number(marks[markKeys.generation]),
    running: status === 'active',
  }
}

const countedIn = (fake: FakeDigitalOcean, token: string): Pick<Stage, 'alive' | 'leftovers'> => ({
  alive: async () => [...fake.cloud(token).droplets.values()].map(machineOf),
  leftovers: async () => {
    const { volumes, reservedIps, tags } = fake.cloud(token)
    const ofOne = [...tags].filter(tag => /^recore:(vm|expires|doomed):/.test(tag))
    return [...volumes.keys(), ...reservedIps.keys(), ...ofOne]
  },
})
type DoStage = Stage & { readonly fake: FakeDigitalOcean }
/** Another account of the same stand-in. */
export const ofToken = (stage: DoStage, secret: string): DoStage => ({
  ...stage,
  ...countedIn(stage.fake, secret),
  worker: { ...stage.worker, secret },
})

export const openDigitalOcean = async (options: Parameters<typeof startFakeDigitalOcean>[0] = {}): Promise<DoStage> => {
  const fake = await startFakeDigitalOcean({ delays, limits, ...options })
  return {
    fake,
    worker: {
      kind: 'digitalocean',
      settings: { endpoint: fake.url },
      secret: fake.token,
      region,
      root: '',
      paused: false,
      caps: { maxVisibilityLagMs: 300, latestLandingMs: 300 },
    },
    spec: { provider: 'digitalocean', account: 'test', region, size: 's-1vcpu-1gb', image: 'debian-12-x64' },
    largerSize: 's-2vcpu-4gb',
    livesMax: 40,
    ...countedIn(fake, fake.token),
    stop: fake.stop,
  }
}

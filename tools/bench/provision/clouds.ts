import { markKeys, pairOf } from '@re-ops/re-core/testing'
import { startFakeDigitalOcean } from '../../stand-ins/digitalocean/fake.ts'
import { startFakeEc2 } from '../../stand-ins/ec2/fake.ts'

/** A cloud's stand-in as the bench sees it. */
export type Cloud = {
  readonly name: 'ec2' | 'digitalocean'
  readonly account: { readonly region: string; readonly endpoint: string; readonly secret: string }
  readonly size: string
  /** By system: when its machine was asked for (ms since 1970), and whether it runs. */
  readonly machines: () => ReadonlyMap<string, { readonly askedAt: number; readonly running: boolean }>
  /** All there are, also those of one system. */
  readonly count: () => number
  /** Calls so far, and how many of them its limits refused. */
  readonly calls: () => number
  readonly violations: () => number
  readonly stop: () => Promise<void>
}

const settleEveryMs = 100
/** As EC2 publishes them: each new call of a bucket that is empty is refused. */
const ec2Buckets = new Map([
  ['RunInstances', { perSecond: 2, burst: 5 }],
  ['Describe*', { perSecond: 20, burst: 100 }],
  ['*', { perSecond: 5, burst: 50 }],
])
const ec2Delays = { bootMs: 15_000, stopMs: 2_000, terminateMs: 2_000, lagMs: 1_000, tombstoneMs: 3_600_000 }

const openEc2 = async (): Promise<Cloud> => {
  const fake = await startFakeEc2({ setup: { delays: ec2Delays, buckets: ec2Buckets } })
  const settling = setInterval(() => fake.clock.settle(), settleEveryMs)
  return {
    name: 'ec2',
    account: { region: fake.setup.region, endpoint: fake.url, secret: 'AKIATEST:secret-of-a-bench' },
    size: 't3.small',
    machines: () =>
      new Map(
        fake.alive().map(one => {
          const system = fake.state.tags.get(one.id)?.get(markKeys.vmId) ?? one.id
          return [system, { askedAt: one.launchedAt, running: one.state === 'running' }] as const
        }),
      ),
    count: () => fake.alive().length,
    calls: () => [...fake.counts.values()].reduce((all, one) => all + one, 0),
    violations: fake.throttled,
    stop: async () => {
      clearInterval(settling)
      await fake.stop()
    },
  }
}

const doDelays = { createMs: 30_000, actMs: 2_000, tagMs: 1_000, listMs: 1_000 }
/** With DigitalOcean's own limits: 250 calls a minute and 5,000 an hour. */
const openDigitalOcean = async (): Promise<Cloud> => {
  const fake = await startFakeDigitalOcean({ delays: doDelays })
  const settling = setInterval(() => fake.clock.settle(), settleEveryMs)
  return {
    name: 'digitalocean',
    account: { region: 'nyc3', endpoint: fake.url, secret: fake.token },
    size: 's-1vcpu-1gb',
    machines: () =>
      new Map(
        [...fake.cloud().droplets.values()].map(one => {
          const system = Object.fromEntries([...one.tags].map(pairOf))[markKeys.vmId] ?? String(one.id)
          return [system, { askedAt: one.createdAt, running: one.status === 'active' }] as const
        }),
      ),
    count: () => fake.cloud().droplets.size,
    calls: () => fake.faults.asked().length,
    violations: fake.throttled,
    stop: async () => {
      clearInterval(settling)
      await fake.stop()
    },
  }
}

export const clouds = { 'fake-ec2': openEc2, 'fake-do': openDigitalOcean } as const
export type CloudName = keyof typeof clouds

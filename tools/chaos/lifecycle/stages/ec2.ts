import { markKeys } from '@re-ops/re-core/testing'
import { startFakeEc2, type FakeEc2 } from '../../../stand-ins/ec2/fake.ts'
import type { Machine, Stage } from '../stage.ts'

const settleEveryMs = 20
/** In real time; what EC2 takes minutes for takes moments here, and re-core is told so. */
const delays = { bootMs: 40, stopMs: 40, terminateMs: 40, lagMs: 150, tombstoneMs: 3_600_000 }

export const openEc2 = async (setup: Parameters<typeof startFakeEc2>[0] = {}): Promise<Stage & { fake: FakeEc2 }> => {
  const fake = await startFakeEc2({ ...setup, setup: { delays, ...setup.setup } })
  const settling = setInterval(() => fake.clock.settle(), settleEveryMs)
  const machineOf = (id: string, state: string): Machine => {
    const tags = fake.state.tags.get(id)
    return {
      ref: id,
      system: tags?.get(markKeys.vmId) ?? null,
      generation: Number(tags?.get(markKeys.generation)),
      running: state === 'running',
    }
  }
  return {
    fake,
    worker: {
      kind: 'ec2',
      settings: { endpoint: fake.url },
      secret: 'AKIATEST:secret-of-a-test',
      region: fake.setup.region,
      root: '',
      paused: false,
      caps: { maxVisibilityLagMs: 300, latestLandingMs: 300 },
    },
    spec: { provider: 'ec2', account: 'test', region: fake.setup.region, size: 't3.small', image: 'debian-12' },
    largerSize: 't3.large',
    livesMax: 40,
    alive: async () => fake.alive().map(one => machineOf(one.id, one.state)),
    leftovers: async () => {
      fake.clock.settle()
      return [...fake.state.disks.keys()]
    },
    stop: async () => {
      clearInterval(settling)
      await fake.stop()
    },
  }
}

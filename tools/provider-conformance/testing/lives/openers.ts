import { newId, type CreateRequest, type Provider } from '@re-ops/protocols'
import { driverOf, identityOf, makeWorld, testSpec, type TestAccount } from '@re-ops/re-core/testing'
import type { Stage } from '../../../chaos/lifecycle/stage.ts'
import { ofToken, openDigitalOcean } from '../../../chaos/lifecycle/stages/digitalocean.ts'
import { openEc2 } from '../../../chaos/lifecycle/stages/ec2.ts'
import type { KvmStage } from '../../../chaos/lifecycle/stages/kvm.ts'
import { ownLimits } from '../../../stand-ins/digitalocean/quota.ts'
import { clear, volumesBeside } from '../kvm-target.ts'
import { make, zoneOf, type Life, type LifePlace } from './life.ts'

const same = (provider: Provider): Provider => provider

const names = ['test', 'other']
/** An account for each stage; the first is where machines are made that name no other. */
const accountsOf = (stages: readonly Stage[]): TestAccount[] =>
  stages.map(({ worker }, n) => {
    const { region, settings, secret } = worker
    return { name: names[n] ?? '', driver: driverOf(worker, async () => {}), region, settings, secret }
  })
const aliveOn = async (stage: Stage): Promise<string[]> => (await stage.alive()).map(one => one.ref).toSorted()
const placesOf = (stages: readonly Stage[]): LifePlace[] =>
  stages.map((stage, n) => ({
    place: { provider: stage.worker.kind, account: names[n] ?? '', region: stage.worker.region },
    alive: () => aliveOn(stage),
  }))

type More = Pick<Life, 'letter' | 'roundedMs' | 'capacity' | 'beside'> & {
  readonly mishaps: Omit<Life['mishaps'], 'silence'>
  /** Takes our marks off a request; null: nobody else can make a machine there. */
  readonly unmarked: ((body: CreateRequest['body']) => CreateRequest['body']) | null
  readonly stop: () => Promise<void>
}
const lifeOn = async (url: string, stages: readonly Stage[], { unmarked, stop, ...more }: More): Promise<Life> => {
  const [stage] = stages as readonly [Stage]
  const all = async () => (await Promise.all(stages.map(one => one.alive()))).flat()
  let isSilent = false
  const silence = () => {
    isSilent = true
    return () => void (isSilent = false)
  }
  const world = await makeWorld(url, {
    spec: name => ({ ...testSpec(name), ...stage.spec, name }),
    accounts: accountsOf(stages),
    callsHome: async (system, generation) =>
      !isSilent && (await all()).some(one => one.system === system && one.generation === generation && one.running),
  })
  const { size = '', image = '' } = stage.spec
  const spec = { size, image, callHome: null }
  const life: Life = {
    ...more,
    mishaps: { ...more.mishaps, silence },
    world,
    alive: async () => (await all()).map(one => one.ref).toSorted(),
    places: placesOf(stages),
    spec,
    wrap: same,
    stranger:
      unmarked === null
        ? null
        : () => {
            const identity = identityOf(newId(), newId(), 1, 0)
            const { body } = world.provider().planCreate({ ...spec, name: 'stranger', type: 'web' }, identity)
            return make(life, { identity, body: unmarked(body) }, 'all')
          },
    stop: async () => {
      await world.stop()
      await stop()
    },
  }
  return life
}

/** As EC2 publishes them, but for creates. */
const ec2Buckets = new Map([
  ['RunInstances', { perSecond: 40, burst: 60 }],
  ['Describe*', { perSecond: 20, burst: 100 }],
  ['*', { perSecond: 5, burst: 50 }],
])
/** EC2's stand-in, in real time; and another region of it, as another account has it. */
export const openEc2Life = async (url: string): Promise<Life> => {
  const stage = await openEc2({ setup: { buckets: ec2Buckets } })
  const other = await openEc2({ setup: { region: 'us-east-1', zones: ['us-east-1a'] } })
  const { setup, faults, throttled } = stage.fake
  const { pageMax } = setup
  return lifeOn(url, [stage, other], {
    letter: 'F',
    roundedMs: 1,
    beside: null,
    mishaps: {
      breakLists: () => {
        setup.pageMax = 1
        faults.add({ action: 'DescribeInstances', nth: 2, does: { answer: 'InternalError' } })
        return () => void (setup.pageMax = pageMax)
      },
      refuseLooks: () => {
        faults.add({ action: 'DescribeInstances', nth: 'all', does: { answer: 'RequestLimitExceeded' } })
        return faults.clear
      },
      deafen: () => void (setup.deaf = true),
      refusals: throttled,
    },
    capacity: {
      zones: setup.zones,
      exhaust: zone => void setup.capacity.set(`*|${zone}|*`, 0),
      refill: () => setup.capacity.clear(),
      zoneOf,
    },
    unmarked: ({ TagSpecifications: _tags, ClientToken: _token, ...body }) => body,
    stop: async () => {
      await stage.stop()
      await other.stop()
    },
  })
}

/** As the workers' limits are where they have any: thirty machines would take minutes. */
const fourTimes = { perHour: 4 * ownLimits.perHour, perMinute: 4 * ownLimits.perMinute }
const tokens = ['dop_v1_first-of-a-test', 'dop_v1_second-of-a-test']
/** DigitalOcean's; and another account. */
export const openDigitalOceanLife = async (url: string): Promise<Life> => {
  const stage = await openDigitalOcean({ limits: fourTimes, tokens })
  const { fake } = stage
  const other = ofToken(stage, tokens[1] ?? '')
  const { pageMax } = fake.cloud()
  return lifeOn(url, [stage, other], {
    letter: 'D',
    roundedMs: 1_000,
    beside: null,
    mishaps: {
      breakLists: () => {
        fake.cloud().pageMax = 1
        fake.faults.add({ action: 'droplets.list', nth: 2, does: { answer: { status: 500 } } })
        return () => void (fake.cloud().pageMax = pageMax)
      },
      refuseLooks: () => {
        const answer = { status: 429, headers: { 'retry-after': '1' } }
        fake.faults.add({ action: 'droplets.list', nth: 'all', does: { answer } })
        return fake.faults.clear
      },
      deafen: () => {
        for (const droplet of fake.cloud().droplets.values()) droplet.deaf = true
      },
      refusals: fake.throttled,
    },
    capacity: {
      zones: [stage.worker.region],
      exhaust: region => void fake.cloud().soldOut.add(`${stage.spec.size}@${region}`),
      refill: () => fake.cloud().soldOut.clear(),
      zoneOf,
    },
    unmarked: body => ({ ...body, tags: [] }),
    stop: stage.stop,
  })
}

/** libvirt's test driver or QEMU; one daemon for all, emptied in between. */
export const openKvmLife = async (letter: 'T' | 'K', url: string, stage: KvmStage): Promise<Life> =>
  lifeOn(url, [stage], {
    letter,
    roundedMs: 1,
    mishaps: {
      breakLists: () => () => {},
      refuseLooks: () => () => {},
      // QEMU's guests are: their CPUs stand still.
      deafen: () => {},
      refusals: () => 0,
    },
    capacity: null,
    beside: volumesBeside(stage.kvm, letter === 'T'),
    unmarked: null,
    stop: () => clear(stage.kvm),
  })

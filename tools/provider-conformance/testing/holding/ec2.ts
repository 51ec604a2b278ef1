import { setTimeout as pause } from 'node:timers/promises'
import { ec2Driver } from '@re-ops/re-core/testing'
import { startFakeEc2 } from '../../../stand-ins/ec2/fake.ts'
import { runInstances } from '../../../stand-ins/ec2/run.ts'
import { quickCaps, type Hand } from './hand.ts'

const delays = { bootMs: 20, stopMs: 20, terminateMs: 20, lagMs: 0, tombstoneMs: 3_600_000 }
const keyOf = { auth: new Set(['nobody']), none: null }

/** Of machines that are there and not ended. */
export const openEc2 = async (name = 'aws'): Promise<Hand> => {
  const fake = await startFakeEc2({ setup: { delays } })
  const { state, setup, clock } = fake
  const machine = (ref: string) => {
    clock.settle()
    const one = state.machines.get(ref)
    if (one === undefined) throw new Error(`there is no machine ${ref}`)
    return one
  }
  return {
    letter: 'F',
    account: {
      name,
      driver: ec2Driver({ caps: quickCaps }),
      region: setup.region,
      settings: { endpoint: fake.url },
      secret: 'AKIATEST:secret-of-a-test',
    },
    size: 't3.small',
    image: 'debian-12',
    largerSize: 't3.large',
    make: async (called, tags) => {
      const Tags = Object.entries({ Name: called, ...tags }).map(([Key, Value]) => ({ Key, Value }))
      const made = runInstances(state, {
        MinCount: 1,
        MaxCount: 1,
        ImageId: 'ami-0123',
        InstanceType: 't3.small',
        TagSpecifications: [{ ResourceType: 'instance', Tags }],
      })
      return made.Instances?.[0]?.InstanceId ?? ''
    },
    powerOff: async ref => void (machine(ref).state = 'stopped'),
    resize: async (ref, size) => void (machine(ref).size = size),
    tag: async (ref, key, value) => void state.tags.get(ref)?.set(key, value),
    remove: async ref => fake.end(ref, 'User initiated'),
    // Why it ended is told once it has.
    takeBack: async ref => {
      fake.end(ref)
      while (machine(ref).state !== 'terminated') await pause(5)
    },
    look: async ref => {
      const { state: power, size } = machine(ref)
      return power === 'terminated' || power === 'shutting-down'
        ? null
        : { power, size, tags: Object.fromEntries(state.tags.get(ref) ?? []) }
    },
    refuse: why => {
      setup.keys = why === 'auth' ? keyOf.auth : keyOf.none
      setup.denied = new Set(why === 'denied' ? ['RunInstances'] : [])
      setup.vcpusMax = why === 'quota' ? 0 : 10_000
    },
    stop: fake.stop,
  }
}

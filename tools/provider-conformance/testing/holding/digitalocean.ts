import { doDriver, pairOf } from '@re-ops/re-core/testing'
import { addTag } from '../../../stand-ins/digitalocean/cloud.ts'
import { createDroplet } from '../../../stand-ins/digitalocean/droplets.ts'
import { startFakeDigitalOcean } from '../../../stand-ins/digitalocean/fake.ts'
import { quickCaps, type Hand } from './hand.ts'

const delays = { createMs: 20, actMs: 20, tagMs: 20, listMs: 20, showMs: 10 }
/** Its limits are another proof's matter. */
const limits = { perHour: 10_000_000, perMinute: 10_000_000 }
const region = 'nyc3'
const enough = 1_000

const word = (key: string, value: string): string => `${key}:${value}`

export const openDigitalOcean = async (name = 'do'): Promise<Hand> => {
  const fake = await startFakeDigitalOcean({ delays, limits })
  const droplet = (ref: string) => {
    const one = fake.cloud().droplets.get(Number(ref))
    if (one === undefined) throw new Error(`there is no droplet ${ref}`)
    return one
  }
  return {
    letter: 'D',
    account: {
      name,
      driver: doDriver({ caps: quickCaps }),
      region,
      settings: { endpoint: fake.url },
      secret: fake.token,
    },
    size: 's-1vcpu-1gb',
    image: 'debian-12-x64',
    largerSize: 's-2vcpu-4gb',
    make: async (called, tags) => {
      const all = Object.entries(tags).map(([key, value]) => word(key, value))
      const asked = { name: called, region, size: 's-1vcpu-1gb', image: 'debian-12-x64', tags: all }
      return String(createDroplet(fake.cloud(), asked).droplet.id)
    },
    powerOff: async ref => void (droplet(ref).status = 'off'),
    resize: async (ref, size) => void (droplet(ref).size = size),
    tag: async (ref, key, value) => {
      const { tags } = droplet(ref)
      for (const tag of tags) if (pairOf(tag)[0] === key) tags.delete(tag)
      addTag(fake.cloud(), tags, word(key, value))
    },
    remove: async ref => void fake.cloud().droplets.delete(Number(ref)),
    look: async ref => {
      const one = fake.cloud().droplets.get(Number(ref))
      if (one === undefined) return null
      const power = { active: 'running', off: 'stopped', new: 'pending' }[one.status]
      return { power, size: one.size, tags: Object.fromEntries([...one.tags].map(pairOf)) }
    },
    refuse: why => {
      if (why === 'auth') fake.revoked.add(fake.token)
      else fake.revoked.clear()
      fake.denied.clear()
      if (why === 'denied') fake.denied.add('droplets.create')
      fake.cloud().dropletLimit = why === 'quota' ? 0 : enough
    },
    stop: fake.stop,
  }
}

import { expect } from '@jest/globals'
import type { Accepted, KeyApi, VolumeApi } from '@re-ops/protocols'
import { bound, create, refusal, someone, untilPower } from './looks.ts'
import type { Case, Target } from './subject.ts'

const done = async ({ provider, until }: Target, { opRef }: Accepted): Promise<void> => {
  if (opRef !== undefined)
    await until('the action is done', async () => (await provider.pollOp(opRef, bound())) !== 'running')
}
const missing = (what: string): never => {
  throw new Error(`the provider has no ${what}, though its subject says so`)
}
const volumesOf = ({ provider }: Target): VolumeApi => provider.volumes ?? missing('volumes')
const keysOf = ({ provider }: Target): KeyApi => provider.keys ?? missing('keys')
const publicKey = (n: string) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${n.repeat(43)}`

export const extrasCases: readonly Case[] = [
  {
    n: 15,
    title: 'volume: ensured twice is one, attached, larger, never smaller, busy while attached, absent is deleted',
    needs: ({ extras = [] }) => (extras.includes('volumes') ? null : 'the provider has no volumes (yet)'),
    run: async target => {
      const volumes = volumesOf(target)
      const machine = await create(target, someone())
      await untilPower(target, machine, 'running')
      const [zone] = target.zones
      const spec = { name: 'data', sizeGb: 10, ...(zone === undefined ? {} : { zone }) }
      const one = await volumes.ensure(spec, bound())
      expect(await volumes.ensure(spec, bound())).toEqual(one)
      expect((await volumes.list(bound())).map(each => each.name)).toEqual(['data'])
      for (let n = 0; n < 2; n += 1) await done(target, await volumes.attach(one.ref, machine, bound()))
      expect(await volumes.observe(one.ref, bound())).toMatchObject({ attachedTo: machine, sizeGb: 10 })
      expect((await refusal(volumes.delete(one.ref, bound()))).kind).toBe('busy')
      expect((await refusal(volumes.resize(one.ref, 5, bound()))).kind).toBe('invalid')
      await done(target, await volumes.resize(one.ref, 20, bound()))
      for (let n = 0; n < 2; n += 1) await done(target, await volumes.detach(one.ref, bound()))
      expect(await volumes.observe(one.ref, bound())).toMatchObject({ attachedTo: null, sizeGb: 20 })
      for (let n = 0; n < 2; n += 1) await volumes.delete(one.ref, bound())
      expect(await volumes.list(bound())).toEqual([])
      const elsewhere = target.zones[1]
      if (elsewhere === undefined) return
      const far = await volumes.ensure({ name: 'far', sizeGb: 1, zone: elsewhere }, bound())
      expect((await refusal(volumes.attach(far.ref, machine, bound()))).kind).toBe('invalid')
      await volumes.delete(far.ref, bound())
    },
  },
  {
    n: 17,
    title: 'ssh key: the same twice is one; its name with another key is a conflict',
    needs: ({ extras = [] }) => (extras.includes('keys') ? null : 'the provider has no keys (yet)'),
    run: async target => {
      const keys = keysOf(target)
      const one = await keys.ensure({ name: 'ann', publicKey: publicKey('a') }, bound())
      expect(await keys.ensure({ name: 'ann', publicKey: `${publicKey('a')} ann@home` }, bound())).toEqual(one)
      expect((await refusal(keys.ensure({ name: 'ann', publicKey: publicKey('b') }, bound()))).kind).toBe('conflict')
      expect(await keys.list(bound())).toEqual([one])
      for (let n = 0; n < 2; n += 1) await keys.delete(one.ref, bound())
      expect(await keys.list(bound())).toEqual([])
    },
  },
]

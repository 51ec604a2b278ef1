import { expect } from '@jest/globals'
import type { Accepted, FirewallApi, FirewallRule, KeyApi, VolumeApi } from '@re-ops/protocols'
import { destroyAll } from '@re-ops/re-core/testing'
import { act, bound, create, refusal, running, someone, untilOver, untilPower } from './looks.ts'
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
const firewallsOf = ({ provider }: Target): FirewallApi => provider.firewalls ?? missing('firewalls')
const rule = (ports: string | null, more: Partial<FirewallRule> = {}): FirewallRule => ({
  direction: 'in',
  protocol: 'tcp',
  ports,
  peers: ['0.0.0.0/0'],
  ...more,
})
const publicKey = (n: string) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${n.repeat(43)}`

export const extrasCases: readonly Case[] = [
  {
    n: 15,
    title: 'volume: ensured twice is one, attached, larger, never smaller, busy while attached, absent is deleted',
    needs: ({ extras = [] }) => (extras.includes('volumes') ? null : 'the provider has no volumes (yet)'),
    run: async (target, { areGuestsPaused = false }) => {
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
      // A guest whose CPUs do not run lets go of nothing.
      if (areGuestsPaused) await act(target, machine, { kind: 'stop', force: true })
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
    n: 16,
    title: 'firewall: exactly its rules, an extra one removed, a second one ignored; busy while it holds for a machine',
    needs: ({ extras = [] }) => (extras.includes('firewalls') ? null : 'the provider has no firewalls (yet)'),
    run: async target => {
      const firewalls = firewallsOf(target)
      const ping = rule(null, { direction: 'out', protocol: 'icmp' })
      const two = [rule('22'), rule('8000-8100', { protocol: 'udp', peers: ['2001:db8::/32'] }), ping]
      const one = await firewalls.ensure({ name: 'web', rules: two }, bound())
      expect(one.rules).toHaveLength(two.length)
      expect(one.rules).toEqual(expect.arrayContaining(two))
      expect(await firewalls.ensure({ name: 'web', rules: two.toReversed() }, bound())).toEqual(one)
      expect(await firewalls.observe(one.ref, bound())).toEqual(one)
      const less = await firewalls.ensure({ name: 'web', rules: [rule('443'), ping, rule('443')] }, bound())
      expect(less.ref).toBe(one.ref)
      expect(less.rules).toHaveLength(2)
      expect(less.rules).toEqual(expect.arrayContaining([rule('443'), ping]))
      expect(await firewalls.list(bound())).toEqual([less])
      const machine = await running(target, someone())
      for (let n = 0; n < 2; n += 1) await firewalls.protect(one.ref, machine, bound())
      expect((await refusal(firewalls.delete(one.ref, bound()))).kind).toBe('busy')
      await target.provider.destroy(machine, destroyAll, bound())
      await untilOver(target, machine)
      for (let n = 0; n < 2; n += 1) await firewalls.delete(one.ref, bound())
      expect(await firewalls.list(bound())).toEqual([])
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

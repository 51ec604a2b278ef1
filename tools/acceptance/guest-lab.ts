import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Libvirt } from '@re-ops/node-libvirt'
import { startPrivateDaemon } from '@re-ops/node-libvirt/testing'
import type { System } from '@re-ops/protocols'
import { makeImage } from '../images/guest/make.ts'
import { openWorld, program, type Ended } from './testing.ts'

/** Packages and images are kept there between runs, when it is named. */
const kept = process.env['REOPS_IMAGES'] ?? join(tmpdir(), 're-ops-images')
export const say = (line: string): void => void process.stderr.write(`guest: ${line}\n`)

const poolOf = async (libvirt: Libvirt, path: string) => {
  const made = await libvirt.pools.define(
    `<pool type='dir'><name>disks</name><target><path>${path}</path></target></pool>`,
  )
  await libvirt.pools.build(made)
  await libvirt.pools.create(made)
}

/** A cluster, a libvirtd of its own, and account `lab` with one image; each command of `reops` within `withinMs`. */
export const openGuestLab = async (what: 'fast' | 'debian', sizes: object, withinMs: number) => {
  const images = await makeImage({ what, folder: kept, cache: join(kept, 'cache'), onLine: say })
  const daemon = await startPrivateDaemon()
  const libvirt = await daemon.connect('qemu:///session', { connectTimeoutMs: 60_000 })
  await poolOf(libvirt, join(daemon.folder, 'pool'))
  const world = await openWorld(0)
  const reops = (args: readonly string[]): Promise<Ended> =>
    program('apps/reops/bin/reops.mjs', args, {}, world.folder, withinMs)
  const settings = [`uri=${daemon.uri('qemu:///session')}`, 'pool=disks', 'network=user', 'domainType=qemu']
  const account = ['accounts', 'set', 'lab', '--provider', 'kvm', '--region', 'here']
  const words = [`images:=${JSON.stringify(images)}`, `sizes:=${JSON.stringify(sizes)}`]
  return {
    world,
    reops,
    saved: await reops([...account, ...settings, ...words]),
    system: async (name: string): Promise<System> =>
      (JSON.parse((await reops(['systems', 'show', name, '--json'])).out) as System[])[0] as System,
    /** Machines and volumes that libvirt has. */
    left: async () => {
      const disks = await libvirt.pools.byName('disks')
      await libvirt.pools.refresh(disks)
      return [
        (await libvirt.domains.list()).map(one => one.name),
        (await libvirt.volumes.list(disks)).map(one => one.name),
      ]
    },
    close: async () => {
      await world.close()
      // A machine outlives the libvirtd that started it.
      for (const dom of await libvirt.domains.list({ active: true })) await libvirt.domains.destroy(dom)
      await libvirt.close()
      await daemon.stop()
    },
  }
}
export type GuestLab = Awaited<ReturnType<typeof openGuestLab>>

export const phasesOf = ({ phases, readyAfterMs }: System): string =>
  `${phases.map(one => `${one.name} ${one.ms ?? 0} ms`).join(', ')}; ready after ${readyAfterMs} ms`

import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startPrivateDaemon, type PrivateDaemon } from '@re-ops/node-libvirt/testing'
import { makeKvm, noLimiter } from '@re-ops/re-core/testing'
import { ProviderError } from '@re-ops/protocols'
import type { Domain, Libvirt, Pool } from '@re-ops/node-libvirt'
import type { Target } from './subject.ts'

const withinMs = 20_000
/** Of what re-ops makes, whatever else a pool holds. */
const own = 're-ops-'

export type KvmTarget = {
  readonly daemon: PrivateDaemon
  readonly libvirt: Libvirt
  readonly pool: Pool
  readonly settings: Readonly<Record<string, unknown>>
  /** Machines that were there before. */
  readonly others: readonly string[]
}

/** A private libvirtd, a client of it, and an account's settings for it. `driver`: `test:///default` or `qemu:///session`. */
export const openKvm = async (
  driver: string,
  poolOf: (libvirt: Libvirt, daemon: PrivateDaemon) => Promise<Pool>,
  settings: Readonly<Record<string, unknown>>,
): Promise<KvmTarget> => {
  const daemon = await startPrivateDaemon()
  const libvirt = await daemon.connect(driver, { connectTimeoutMs: 60_000 })
  const pool = await poolOf(libvirt, daemon)
  const others = (await libvirt.domains.list()).map(one => one.uuid)
  return { daemon, libvirt, pool, others, settings: { uri: daemon.uri(driver), pool: pool.name, ...settings } }
}

const sizes = {
  small: { cores: 1, memoryMb: 64, diskGb: 1 },
  larger: { cores: 2, memoryMb: 96, diskGb: 2 },
}

/** libvirt's test driver. */
export const openTestTarget = (): Promise<KvmTarget> =>
  openKvm('test:///default', libvirt => libvirt.pools.byName('default-pool'), {
    // It has no network by which anything could call home.
    home: 'http://192.0.2.1:7020',
    sizes,
    images: { blank: { path: '/blank.qcow2' } },
  })

/** Real QEMU without a guest's system: a blank image, and a network of the user alone. */
export const openQemuTarget = async (): Promise<KvmTarget> => {
  const kvm = await openKvm(
    'qemu:///session',
    async (libvirt, daemon) => {
      const path = join(daemon.folder, 'pool')
      const pool = await libvirt.pools.define(
        `<pool type='dir'><name>disks</name><target><path>${path}</path></target></pool>`,
      )
      await libvirt.pools.build(pool)
      await libvirt.pools.create(pool)
      mkdirSync(join(daemon.folder, 'images'))
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', join(daemon.folder, 'images/blank.qcow2'), '64M'])
      return pool
    },
    { sizes, network: 'user', domainType: 'qemu' },
  )
  const images = { blank: { path: join(kvm.daemon.folder, 'images/blank.qcow2') } }
  return { ...kvm, settings: { ...kvm.settings, images } }
}

/** Counted past the provider: all but those that were there before. */
export const machinesOf = async ({ libvirt, others }: KvmTarget): Promise<Domain[]> =>
  (await libvirt.domains.list()).filter(one => !others.includes(one.uuid))
/** Volumes of machines. */
export const disksOf = async ({ libvirt, pool }: KvmTarget) =>
  (await libvirt.volumes.list(pool)).filter(one => one.name.startsWith(own))

/**
 * Volumes with a life of their own, as their files say it, and whose machine names them: as it runs, or as it is written
 * down where nothing can be plugged in (`inactive`). And one made as `virsh` does.
 */
export const volumesBeside = (kvm: KvmTarget, inactive: boolean) => {
  const { libvirt, pool } = kvm
  const [before, behind] = [`${own}volume-`, '.qcow2']
  return {
    there: async () => {
      const machines = await machinesOf(kvm)
      const texts = await Promise.all(machines.map(dom => libvirt.domains.xml(dom, { inactive })))
      return (await libvirt.volumes.list(pool))
        .filter(({ name }) => name.startsWith(before))
        .map(({ name: file }) => ({
          name: file.slice(before.length, -behind.length),
          machine: machines[texts.findIndex(text => text.includes(file))]?.uuid ?? null,
        }))
    },
    put: async (name: string): Promise<void> =>
      void (await libvirt.volumes.create(
        pool,
        `<volume><name>${before}${name}${behind}</name><capacity unit='MiB'>1</capacity><target><format type='qcow2'/></target></volume>`,
      )),
  }
}

/** Whatever a case left. */
export const clear = async (kvm: KvmTarget): Promise<void> => {
  const { domains, volumes } = kvm.libvirt
  for (const dom of await machinesOf(kvm)) {
    await domains.destroy(dom).catch(() => undefined) // it may be off
    await domains.undefine(dom)
  }
  for (const disk of await disksOf(kvm)) await volumes.delete(disk)
}

/** What a case is given. Each machine has a name of its own: libvirt has no two of one name. */
export const targetOf = (kvm: KvmTarget, deps: { readonly paused?: boolean }, stop: () => Promise<void>): Target => {
  let made = 0
  let breaks: string | null = null
  const at = (step: string) => {
    if (step !== breaks) return
    breaks = null
    throw new ProviderError('transient', 'unknown', `broke off at ${step}`)
  }
  const provider = () => {
    const account = { name: 'test', settings: kvm.settings, secret: null }
    return makeKvm({ now: Date.now, at, ...deps }, { account, region: 'here', limiter: noLimiter })
  }
  return {
    provider: provider(),
    another: provider(),
    spec: name => ({ name: `${name}-${(made += 1)}`, type: 'web', size: 'small', image: 'blank', callHome: null }),
    alive: async () => (await machinesOf(kvm)).map(one => one.uuid),
    leftovers: async () => (await disksOf(kvm)).map(one => `${one.pool}/${one.name}`),
    until: async (what, holds) => {
      for (const end = performance.now() + withinMs; !(await holds()); await pause(20))
        if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    },
    pass: async () => {},
    largerSize: 'larger',
    zones: [],
    mishaps: { breakAt: step => void (breaks = step) },
    canary: null,
    stop,
  }
}

import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from '@jest/globals'
import { kvmCaps } from '@re-ops/re-core/testing'
import { describeProvider } from './testing/describe-provider.ts'
import { clear, openKvm, targetOf, type KvmTarget } from './testing/kvm-target.ts'

const sizes = {
  small: { cores: 1, memoryMb: 64, diskGb: 1 },
  larger: { cores: 2, memoryMb: 96, diskGb: 1 },
}

/** One libvirtd for all cases: it takes seconds to learn what QEMU can. Real QEMU, its CPUs stopped. */
let shared: Promise<KvmTarget> | null = null
const open = (): Promise<KvmTarget> =>
  openKvm(
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

describeProvider({
  letter: 'K',
  caps: kvmCaps,
  mishaps: [],
  many: 3,
  skips: { 1: 'a network of the user alone has no addresses to be seen from outside' },
  start: async () => {
    const kvm = await (shared ??= open())
    const images = { blank: { path: join(kvm.daemon.folder, 'images/blank.qcow2') } }
    return targetOf({ ...kvm, settings: { ...kvm.settings, images } }, { paused: true }, () => clear(kvm))
  },
})
afterAll(async () => {
  const kvm = await shared
  await kvm?.libvirt.close()
  await kvm?.daemon.stop()
})

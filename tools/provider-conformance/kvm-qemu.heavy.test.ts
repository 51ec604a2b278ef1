import { afterAll } from '@jest/globals'
import { kvmCaps } from '@re-ops/re-core/testing'
import { describeProvider } from './testing/describe-provider.ts'
import { clear, openQemuTarget, targetOf, type KvmTarget } from './testing/kvm-target.ts'

/** One libvirtd for all cases: it takes seconds to learn what QEMU can. Real QEMU, its CPUs stopped. */
let shared: Promise<KvmTarget> | null = null

describeProvider({
  letter: 'K',
  caps: kvmCaps,
  mishaps: ['breakAt'],
  many: 3,
  extras: ['volumes', 'images'],
  areGuestsPaused: true,
  skips: { 1: 'a network of the user alone has no addresses to be seen from outside' },
  start: async () => {
    const kvm = await (shared ??= openQemuTarget())
    return targetOf(kvm, { paused: true }, () => clear(kvm))
  },
})
afterAll(async () => {
  const kvm = await shared
  await kvm?.libvirt.close()
  await kvm?.daemon.stop()
})

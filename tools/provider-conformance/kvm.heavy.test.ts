import { kvmCaps } from '@re-ops/re-core/testing'
import { describeProvider } from './testing/describe-provider.ts'
import { openTestTarget, targetOf } from './testing/kvm-target.ts'

describeProvider({
  letter: 'T',
  caps: kvmCaps,
  mishaps: ['breakAt'],
  many: 50,
  extras: ['volumes', 'images'],
  skips: { 15: "libvirt's test driver can make no volume larger" },
  start: async () => {
    const kvm = await openTestTarget()
    return targetOf(kvm, {}, async () => {
      await kvm.libvirt.close()
      await kvm.daemon.stop()
    })
  },
})

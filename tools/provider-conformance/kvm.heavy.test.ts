import { kvmCaps } from '@re-ops/re-core/testing'
import { describeProvider } from './testing/describe-provider.ts'
import { openKvm, targetOf } from './testing/kvm-target.ts'

const sizes = {
  small: { cores: 1, memoryMb: 64, diskGb: 1 },
  larger: { cores: 2, memoryMb: 128, diskGb: 1 },
}

describeProvider({
  letter: 'T',
  caps: kvmCaps,
  mishaps: [],
  many: 50,
  start: async () => {
    const kvm = await openKvm('test:///default', libvirt => libvirt.pools.byName('default-pool'), {
      sizes,
      images: { blank: { path: '/blank.qcow2' } },
    })
    return targetOf(kvm, {}, async () => {
      await kvm.libvirt.close()
      await kvm.daemon.stop()
    })
  },
})

import { openQemu, openTestDriver } from './testing/holding/kvm.ts'
import { describeHolding } from './testing/holding/suite.ts'

describeHolding('libvirt', openTestDriver)
// Its provider is asked case 21 as any other; a life on QEMU costs seconds.
describeHolding('qemu', openQemu, [9, 22])

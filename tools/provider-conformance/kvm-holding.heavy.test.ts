import { openKvm } from './testing/holding/kvm.ts'
import { describeHolding } from './testing/holding/suite.ts'

describeHolding('libvirt', openKvm)

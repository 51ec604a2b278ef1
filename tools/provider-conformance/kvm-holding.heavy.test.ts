import { openKvm } from '../stand-ins/holding/kvm.ts'
import { describeHolding } from '../stand-ins/holding/suite.ts'

describeHolding('libvirt', openKvm)

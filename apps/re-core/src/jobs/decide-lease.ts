import type { Caps, ObservedVm } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'

/** Some providers keep whole seconds. */
const roundedMs = 1_000

/** Its machine was not yet marked with the expiry that stands in the row. */
export const isExpiryUntold = (row: SystemRow, caps: Caps): boolean =>
  caps.actions.includes('setExpiry') && row.managed === 'full' && row.leaseThere !== row.leaseExpiresAt

const expiryOf = (vm: ObservedVm): number | null => (vm.expiresAt === undefined ? null : Date.parse(vm.expiresAt))

/** The machine was told of a renewal that the row knows nothing of. A row without a lease ends by itself in no case. */
export const isLaterThere = (row: SystemRow, vm: ObservedVm): boolean =>
  row.leaseExpiresAt !== null && (expiryOf(vm) ?? 0) > row.leaseExpiresAt + roundedMs

/** It was told, and yet it shows an earlier expiry, or none. */
export const isEarlierThere = (row: SystemRow, vm: ObservedVm): boolean =>
  row.leaseExpiresAt !== null &&
  row.leaseThere === row.leaseExpiresAt &&
  (expiryOf(vm) ?? 0) < row.leaseExpiresAt - roundedMs

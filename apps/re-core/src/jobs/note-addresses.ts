import type { ObservedVm } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { Sql } from '../store/sql.ts'
import { addressesAre } from '../store/systems.ts'
import { asProvided, changedAddresses } from './addresses.ts'

/** Addresses come and go by themselves, a lease of DHCP for one: a listing tells, and nothing need be done about it. */
export const noteAddresses = async (
  sql: Sql,
  rows: readonly SystemRow[],
  seen: ReadonlyMap<string, ObservedVm>,
): Promise<void> => {
  for (const row of rows) {
    const vm = seen.get(row.ref ?? '')
    if (vm === undefined || row.phase === 'destroying' || row.phase === 'forgetting') continue
    const { addresses } = changedAddresses(row.addresses, asProvided(row.addresses, vm))
    if (addresses !== undefined) await addressesAre(sql, row, addresses)
  }
}

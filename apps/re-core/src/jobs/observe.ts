import type { ObservedVm, Provider } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import { leasesUntold } from '../store/leases.ts'
import { machinesWanted } from '../store/systems.ts'
import type { Sql } from '../store/sql.ts'
import { isEarlierThere } from './decide-lease.ts'
import { noteAddresses } from './note-addresses.ts'
import { driftOf, isFixed, sameDrift } from './drift.ts'
import type { OpenPlace } from './places.ts'

const settledPower = { ready: 'running', stopped: 'stopped' } as const

/**
 * Whether what is seen contradicts what a settled row says, or is another drift than it says; rows on their way look for
 * themselves.
 */
const contradicts = (row: SystemRow, vm: ObservedVm | undefined, provider: Provider, now: number): boolean => {
  if (row.phase === 'lost') return vm !== undefined
  if (row.phase !== 'ready' && row.phase !== 'stopped') return false
  const keepsPower = isFixed(row, 'power')
  // Waiting to be started again: its time is written down.
  if (keepsPower && row.phase === 'stopped' && row.desired === 'running') return vm?.power === 'running'
  if (vm === undefined || (keepsPower && vm.power !== settledPower[row.phase])) return true
  return !sameDrift(driftOf(row, vm, provider, now), row.drift)
}

/** Systems of the place whose machine is not as their row says, from one listing and one query. */
export const contradictions = async (
  sql: Sql,
  { place, provider }: OpenPlace,
  signal: AbortSignal,
  now: number,
): Promise<string[]> => {
  const rows = await machinesWanted(sql, place)
  const seen = new Map<string, ObservedVm>()
  for await (const vm of provider.list('owned', signal)) seen.set(vm.ref, vm)
  await noteAddresses(sql, rows, seen)
  const earlier = rows.filter(row => isSettled(row) && tellsEarlier(row, seen.get(row.ref ?? '')))
  if (earlier.length > 0)
    await leasesUntold(
      sql,
      earlier.map(row => row.id),
    )
  return rows
    .filter(row => earlier.includes(row) || contradicts(row, seen.get(row.ref ?? ''), provider, now))
    .map(row => row.id)
}

const isSettled = ({ phase }: SystemRow): boolean => phase === 'ready' || phase === 'stopped'
/** A call of before a renewal landed after it: the machine is told again. */
const tellsEarlier = (row: SystemRow, vm: ObservedVm | undefined): boolean =>
  vm !== undefined && isEarlierThere(row, vm)

/**
 * What a start of re-core has to look at, at once: machines that do not run though they should, whatever their row was
 * in the middle of.
 */
export const asleep = async (sql: Sql, { place, provider }: OpenPlace, signal: AbortSignal): Promise<string[]> => {
  const rows = await machinesWanted(sql, place)
  const running = new Set<string>()
  for await (const vm of provider.list('owned', signal)) if (vm.power === 'running') running.add(vm.ref)
  return rows
    .filter(row => row.desired === 'running' && row.phase !== 'failed' && row.phase !== 'lost')
    .filter(row => !running.has(row.ref ?? ''))
    .map(row => row.id)
}

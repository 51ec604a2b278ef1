import {
  canonical,
  type Caps,
  type Drift,
  type Fix,
  type Labels,
  type ObservedVm,
  type Provider,
} from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import { specOf } from './freeze.ts'

const poweredOn: ReadonlySet<string> = new Set(['running'])
const poweredOff: ReadonlySet<string> = new Set(['stopped', 'suspended'])

/** Whether it is put right by itself; nothing is done to a machine that is only observed. */
export const isFixed = ({ managed, fixes }: Pick<SystemRow, 'managed' | 'fixes'>, field: Fix): boolean =>
  managed === 'full' && fixes.includes(field)

/** A protection that was taken off is put back; nothing takes one off that somebody put there. */
export const protects = (row: SystemRow): boolean => row.protected && isFixed(row, 'protection')

const power = (row: SystemRow, vm: ObservedVm): Drift[] => {
  const isOther = row.desired === 'running' ? poweredOff.has(vm.power) : poweredOn.has(vm.power)
  if (row.desired === 'absent' || !isOther) return []
  return [{ field: 'power', wanted: row.desired, observed: vm.power, fixed: isFixed(row, 'power') }]
}

const size = (row: SystemRow, vm: ObservedVm, provider: Pick<Provider, 'offerings'>): Drift[] => {
  const wanted = row.origin === 'imported' ? row.size : (provider.offerings(specOf(row, null))[0]?.size ?? row.size)
  return vm.size === '' || vm.size === wanted ? [] : [{ field: 'size', wanted, observed: vm.size, fixed: false }]
}

const picked = (labels: Readonly<Labels>, keys: readonly string[]): Record<string, string | null> =>
  Object.fromEntries(keys.map(key => [key, labels[key] ?? null]))

/** Some providers write them after the machine is there. */
const areLabelsLate = (vm: ObservedVm, { tagsAtCreate, maxVisibilityLagMs }: Caps, now: number): boolean =>
  tagsAtCreate === 'after' && now < Date.parse(vm.createdAt) + maxVisibilityLagMs

/** Of those that the machine was told; others that somebody gave it are nobody's drift. Null: is not there. */
const labels = (row: SystemRow, vm: ObservedVm, caps: Caps, now: number): Drift[] => {
  const told = row.labelsThere ?? {}
  const keys = Object.keys(told).filter(key => vm.tags[key] !== told[key])
  if (keys.length === 0 || areLabelsLate(vm, caps, now)) return []
  const [wanted, observed] = [picked(told, keys), picked(vm.tags, keys)]
  return [{ field: 'labels', wanted, observed, fixed: isFixed(row, 'labels') }]
}

const protection = (row: SystemRow, vm: ObservedVm): Drift[] =>
  vm.protected === undefined || vm.protected === row.protectedThere
    ? []
    : [
        {
          field: 'protection',
          wanted: row.protectedThere,
          observed: vm.protected,
          fixed: protects(row),
        },
      ]

/** What of the machine is not as it is wanted. What was asked for and is not told to it yet is no drift. */
export const driftOf = (
  row: SystemRow,
  vm: ObservedVm,
  provider: Pick<Provider, 'caps' | 'offerings'>,
  now: number,
): Drift[] => [
  ...power(row, vm),
  ...(row.wantSize === null ? size(row, vm, provider) : []),
  ...labels(row, vm, provider.caps, now),
  ...protection(row, vm),
]

/** Its machine is gone. */
export const absence = (row: SystemRow): Drift[] => [
  { field: 'presence', wanted: 'present', observed: 'absent', fixed: row.onLost !== 'alert' },
]

export const sameDrift = (a: readonly Drift[], b: readonly Drift[]): boolean => canonical(a) === canonical(b)

/** What setting the labels right asks of the provider. */
export const labelFix = (drift: readonly Drift[]): Labels | null => {
  const found = drift.find(one => one.field === 'labels' && one.fixed)
  return found === undefined ? null : (found.wanted as Labels)
}

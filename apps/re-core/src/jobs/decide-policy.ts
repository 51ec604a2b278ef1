import type { ObservedVm, Power } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { Seen, Step } from './decide.ts'
import { isFixed, protects } from './drift.ts'

/** A machine says that it is this system's. */
export const isMarked = (row: SystemRow, { owner }: ObservedVm): boolean => owner?.vmId === row.id

/** One that was there before us carries our marks from when it was imported; one that carries others' is left alone. */
export const takeHold = (row: SystemRow, vm: ObservedVm, installation: string | undefined): Step | null => {
  if (row.origin !== 'imported' || isMarked(row, vm) || vm.ownerUnread === true) return null
  if (vm.owner === undefined || vm.owner.installation === installation) return { kind: 'mark' }
  const reason = `its machine carries the mark of another re-core, ${vm.owner.installation}; forget it here or there`
  return { kind: 'settled', phase: 'failed', reason }
}

/** Only looked at: its phase is what its power says. */
export const watched = (row: SystemRow, power: Power): Step => {
  if (power === 'running') return { kind: 'settled', phase: 'ready', reason: null }
  if (power === 'stopped' || power === 'suspended') return { kind: 'settled', phase: 'stopped', reason: null }
  return { kind: 'wait', at: null, phase: row.phase, reason: `the machine is ${power}` }
}

/**
 * The machine stays and is nobody's afterwards: our marks are taken off and seen to be off. What a person asks of a
 * machine that is only observed, and all that `forget` does.
 */
export const release = (row: SystemRow, { instance }: Seen): Step | null => {
  if (row.ref === null) return null
  if (instance === undefined) return { kind: 'look', at: 'instance' }
  if (instance.state === 'unknown') return { kind: 'wait', at: null, phase: row.phase, reason: instance.why.message }
  return instance.state === 'present' && isMarked(row, instance.vm) ? { kind: 'unmark' } : null
}

/** What somebody changed at the machine and is put right by itself, when nothing else is to be done. */
export const putRight = (row: SystemRow, vm: ObservedVm): Step | null => {
  if (isFixed(row, 'labels') && Object.entries(row.labelsThere ?? {}).some(([key, value]) => vm.tags[key] !== value))
    return { kind: 'fix', field: 'labels' }
  return protects(row) && vm.protected === false ? { kind: 'fix', field: 'protection' } : null
}

/** Lives that are begun by themselves within this time, after which a person is asked. */
const hourMs = 3_600_000
const livesPerHourMax = 5

/** Gone though it is wanted: what its policy says. */
export const lost = (row: SystemRow, now: number, why: string | undefined): Step => {
  const said = why === undefined ? '' : ` (${why})`
  const alert = (more: string): Step => ({
    kind: 'settled',
    phase: 'lost',
    reason: `the machine is gone though it is wanted${said}; ${more}`,
  })
  const byHand = 'reload makes a new one, destroy ends the system'
  if (row.origin === 'imported' && row.onLost !== 'forget') return alert('forget ends the system')
  if (row.onLost === 'alert') return alert(byHand)
  if (row.onLost === 'forget') return { kind: 'lost', next: 'forget', why: `the machine is gone${said}` }
  const lately = row.phases.filter(({ name, at }) => name === 'planned' && Date.parse(at) > now - hourMs)
  if (lately.length >= livesPerHourMax) return alert(`it began ${lately.length} lives within an hour; ${byHand}`)
  return { kind: 'lost', next: row.onLost, why: `the machine is gone${said}` }
}

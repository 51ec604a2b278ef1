import type { Caps, Labels, Power } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { Rules, Seen, Step } from './decide.ts'
import { halt } from './decide-power.ts'

/** Whatever the order they are written in. */
export const sameLabels = (a: Labels, b: Labels): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value)

/** Its name or its labels are others than the provider was told; one that has no such thing is told nothing. */
export const told = (row: SystemRow, { caps }: Rules): Step | null => {
  const { nameThere, labelsThere } = row
  if (caps.actions.includes('rename') && nameThere !== null && nameThere !== row.name)
    return { kind: 'tell', what: 'name' }
  if (caps.actions.includes('setTags') && labelsThere !== null && !sameLabels(labelsThere, row.labels))
    return { kind: 'tell', what: 'labels' }
  return null
}

/**
 * Another size is wanted: stopped for it where the provider cannot do it live, and never forgotten in between. What
 * comes after (started again, also when it was refused) follows from what is wanted.
 */
export const resized = (
  row: SystemRow,
  power: Power,
  seen: Seen,
  { now, caps }: { readonly now: number; readonly caps: Caps },
): Step | null => {
  if (row.wantSize === null) return null
  if (row.opRef !== null) {
    if (seen.progress === undefined) return { kind: 'look', at: 'progress' }
    if (seen.progress === 'running')
      return { kind: 'wait', at: null, phase: row.phase, reason: 'the provider changes its size' }
    return { kind: 'resize-over', why: seen.progress === 'done' ? null : seen.progress.failed.message }
  }
  // From here on it cannot be taken back.
  if (power === 'stopped' && row.phase === 'stopping') return { kind: 'enter', phase: 'stopped' }
  if (power === 'stopped' || (power === 'running' && caps.liveResize)) return { kind: 'resize' }
  return power === 'running' || power === 'stopping' ? halt(row, power, now) : null
}

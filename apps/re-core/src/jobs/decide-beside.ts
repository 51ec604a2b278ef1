import type { Phase } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import { besideText, nextBeside } from './beside.ts'
import type { Seen, Step } from './decide.ts'

const underWay: ReadonlySet<Phase> = new Set(['booting', 'enrolled', 'ready'])

/** What is to stand beside a machine that runs, one after the other; null when all of it does. */
export const placed = (row: SystemRow, seen: Seen): Step | null => {
  if (nextBeside(row) === undefined) return null
  if (row.phase === 'failed') return { kind: 'settled', phase: 'failed', reason: row.reason }
  if (!underWay.has(row.phase)) return { kind: 'enter', phase: 'booting' }
  if (row.opRef === null) return { kind: 'beside' }
  if (seen.progress === undefined) return { kind: 'look', at: 'progress' }
  if (seen.progress === 'running')
    return { kind: 'wait', at: null, phase: row.phase, reason: `${besideText(row)} is being attached` }
  return { kind: 'beside-over', why: seen.progress === 'done' ? null : seen.progress.failed.message }
}

/** The machine is gone: volumes that were made with it go as well, or get a life of their own. */
export const cleared = (row: SystemRow, seen: Seen): Step | null => {
  if (row.desired !== 'absent' || (row.options.volumes ?? []).length === 0) return null
  if (seen.volumes === undefined) return { kind: 'look', at: 'volumes' }
  const [volume] = seen.volumes
  if (volume === undefined) return null
  return row.keepVolumes ? { kind: 'keep-volumes' } : { kind: 'end-volume', volume }
}

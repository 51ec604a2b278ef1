import type { Caps } from '@re-ops/protocols'
import type { OpRow, SystemRow } from '../store/row.ts'
import type { Seen, Step } from './decide.ts'
import { iso } from './decide-power.ts'
import { opOver } from './op-over.ts'

/** What a provider has accepted shows by then, or a person has to look. */
const showsWithinMs = 600_000

/**
 * A volume goes to its machine or comes off it. Asking for what is so already does nothing; one that was asked for and
 * does not show may still land, and is asked for again only when it no longer can: two of them under way could undo
 * what somebody asks for next.
 */
export const moveVolume = (
  row: SystemRow,
  op: OpRow,
  seen: Seen,
  { now, caps }: { readonly now: number; readonly caps: Caps },
): Step => {
  if (op.sentAt === null) return { kind: 'op' }
  if (seen.progress === undefined) return { kind: 'look', at: 'progress' }
  const what = `${op.kind} of volume ${op.volume}`
  if (op.acceptedAt === null) {
    if (seen.progress !== 'running') return { kind: 'op' }
    const landedBy = op.sentAt + caps.latestLandingMs + caps.maxVisibilityLagMs
    if (now >= landedBy) return { kind: 'op-unsent' }
    const reason = `the answer to the ${what} was lost; waiting until it can no longer land`
    return { kind: 'wait', at: Math.min(landedBy, now + lookEveryMs), phase: row.phase, reason }
  }
  if (seen.progress === 'done') return opOver('done', null)
  if (seen.progress !== 'running') return opOver('failed', seen.progress.failed.message)
  if (now >= op.acceptedAt + showsWithinMs)
    return opOver(
      'uncertain',
      `the ${what} of ${iso(op.sentAt)} was accepted, and does not show; it was not sent again`,
    )
  return { kind: 'wait', at: null, phase: row.phase, reason: `the ${what} is under way` }
}
const lookEveryMs = 5_000

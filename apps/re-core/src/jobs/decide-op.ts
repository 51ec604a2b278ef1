import type { Power } from '@re-ops/protocols'
import type { OpRow, SystemRow } from '../store/row.ts'
import type { Rules, Seen, Step } from './decide.ts'
import { iso } from './decide-power.ts'
import { moveVolume } from './decide-volume.ts'
import { opOver } from './op-over.ts'

/**
 * A verb that must not be done twice. Whether it was sent is written down before it is sent; whoever finds that asks the
 * provider what became of it, then the guest, and sends it again only when it certainly was not done.
 */
export const doOnce = (row: SystemRow, power: Power, seen: Seen, now: number, rules: Rules): Step | null => {
  if (row.op === null) return null
  if (seen.op === undefined) return { kind: 'look', at: 'op' }
  const { op } = seen
  if (op === null) return opOver('failed', 'what was asked for is not written down any more')
  if (op.kind === 'reboot') return reboot(row, op, power, seen, now, rules)
  return op.kind === 'snapshot' ? snapshot(row, op, seen) : moveVolume(row, op, seen, { now, caps: rules.caps })
}

const reboot = (
  row: SystemRow,
  op: OpRow,
  power: Power,
  seen: Seen,
  now: number,
  { caps, bootTimeoutMs }: Rules,
): Step | null => {
  if (op.sentAt === null) {
    if (power === 'pending' || power === 'stopping' || power === 'unknown') return null
    if (power !== 'running') return opOver('failed', `the machine is ${power}; one that runs can be rebooted`)
    // Which start of its agent there is now tells afterwards whether it was done.
    if (row.readiness === 'agent' && seen.host === undefined) return { kind: 'look', at: 'host' }
    return { kind: 'op' }
  }
  if (op.opRef !== null && op.acceptedAt !== null) {
    if (seen.progress === undefined) return { kind: 'look', at: 'progress' }
    if (seen.progress === 'running')
      return { kind: 'wait', at: null, phase: row.phase, reason: 'the provider reboots the machine' }
    if (seen.progress !== 'done') return opOver('failed', seen.progress.failed.message)
  }
  const landedBy = op.sentAt + caps.latestLandingMs + caps.maxVisibilityLagMs
  if (op.acceptedAt === null) {
    if (seen.history === undefined) return { kind: 'look', at: 'history' }
    if (seen.history === 'none')
      return now < landedBy
        ? { kind: 'wait', at: landedBy, phase: row.phase, reason: 'waiting until a late reboot can no longer land' }
        : { kind: 'op-unsent' }
  }
  return rebooted(row, op, seen, { now, landedBy, bootTimeoutMs })
}

/** Sent and accepted, or sent and nobody knows: what the guest says of it. */
const rebooted = (
  row: SystemRow,
  op: OpRow,
  seen: Seen,
  { now, landedBy, bootTimeoutMs }: { readonly now: number; readonly landedBy: number; readonly bootTimeoutMs: number },
): Step => {
  const accepted = op.acceptedAt !== null
  const sentAt = op.sentAt ?? now
  const lost = `the answer to the reboot of ${iso(sentAt)} was lost`
  if (row.readiness !== 'agent' || op.before === null) {
    if (accepted) return opOver('done', null)
    if (now < landedBy) return { kind: 'wait', at: landedBy, phase: row.phase, reason: lost }
    return opOver('uncertain', `${lost}, and nothing tells whether it was done; it was not sent again`)
  }
  if (seen.host === undefined) return { kind: 'look', at: 'host' }
  if (seen.host !== null && seen.host.boot !== null && seen.host.boot !== op.before) return opOver('done', null)
  const until = Math.max(landedBy, sentAt + bootTimeoutMs)
  const reason = accepted ? 'it reboots; its agent has not started again yet' : `${lost}; its agent will tell`
  if (now < until) {
    const pauseMs = Math.min(5_000, 500 + (now - sentAt) / 4)
    return { kind: 'wait', at: Math.min(until, now + pauseMs), phase: row.phase, reason }
  }
  const still = `its agent has not started again within ${Math.round((until - sentAt) / 1_000)} s`
  return accepted
    ? opOver('failed', `the reboot was accepted and ${still}; a hard one does not ask the guest`)
    : opOver('uncertain', `${lost} and ${still}; it was not sent again`)
}

/** Its name is unique and looked up first, so making it is asked for until it is there. */
const snapshot = (row: SystemRow, op: OpRow, seen: Seen): Step => {
  if (op.acceptedAt === null) return { kind: 'op' }
  if (seen.progress === undefined) return { kind: 'look', at: 'progress' }
  if (seen.progress === 'running') return { kind: 'wait', at: null, phase: row.phase, reason: 'the snapshot is made' }
  return seen.progress === 'done' ? opOver('done', null) : opOver('failed', seen.progress.failed.message)
}

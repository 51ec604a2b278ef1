import { wireLimits, type Power } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { Rules, Seen, Step } from './decide.ts'
import { isFixed } from './drift.ts'

/** Deaths in a row without calling home between, after which a person is asked. */
const restartsMax = 6

/**
 * Stopped though wanted running: shown as such for a while, then started again; later each time, and not for ever, while
 * its agent does not call home. One that did call home was in order, also when it died before we could note that.
 */
export const fallen = (row: SystemRow, seen: Seen, now: number, { restartDelayMs }: Rules): Step => {
  if (!isFixed(row, 'power') && row.phase === 'ready') return { kind: 'note', what: 'down' }
  if (row.phase === 'failed') return { kind: 'settled', phase: 'failed', reason: row.reason }
  // Asked for by a person (or left stopped on purpose until now): at once.
  if (row.phase === 'stopped' && row.downAt === null) return { kind: 'start' }
  if (row.phase === 'stopped' && !isFixed(row, 'power')) return leftOff
  if (row.downAt === null) {
    if (row.restarts === 0 || row.readiness !== 'agent') return { kind: 'note', what: 'down' }
    if (seen.calledHome === undefined) return { kind: 'look', at: 'last-life' }
    return { kind: 'note', what: 'down', ...(seen.calledHome ? { restarts: 0 } : {}) }
  }
  if (row.restarts >= restartsMax)
    return { kind: 'settled', phase: 'failed', reason: `it died ${restartsMax} times before it was ready; see its log` }
  const startAt = row.downAt + restartDelayMs * 2 ** Math.min(row.restarts, 3)
  const phase = isFixed(row, 'power') ? 'stopped' : row.phase
  return now < startAt
    ? { kind: 'wait', at: startAt, phase, reason: `it died; it is started again at ${iso(startAt)}` }
    : { kind: 'start' }
}

const leftOff: Step = {
  kind: 'settled',
  phase: 'stopped',
  reason: 'it was powered off by somebody and is left so; start powers it on',
}
export const leftOn: Step = {
  kind: 'settled',
  phase: 'stopped',
  reason: 'it was powered on by somebody and is left so; stop powers it off',
}

/** Running: ready when its agent has called home (or at once, when nothing is asked of it). */
export const awaited = (row: SystemRow, seen: Seen, now: number, { bootTimeoutMs }: Rules): Step => {
  const ready: Step = { kind: 'settled', phase: 'ready', reason: null }
  if (row.phase === 'ready' || row.readiness !== 'agent') return ready
  if (row.phase !== 'booting' && row.phase !== 'enrolled' && row.phase !== 'failed')
    return { kind: 'enter', phase: 'booting' }
  if (seen.host === undefined) return { kind: 'look', at: 'host' }
  if (seen.host !== null && seen.host.id !== row.host)
    return { kind: 'enter', phase: 'enrolled', at: seen.host.enrolledAt, host: seen.host.id }
  if (seen.host !== null && seen.host.online && (row.phase === 'enrolled' || isOfThisLife(seen.host.seenAt, row, now)))
    return ready
  const what = seen.host === null ? 'has not called home' : 'holds no session'
  // The images that clouds offer have no re-gent.
  const hint = seen.host === null && row.provider !== 'local' ? ` (an image without re-gent needs readiness none)` : ''
  if (row.phase === 'failed') return { kind: 'settled', phase: 'failed', reason: row.reason }
  if (now >= row.phaseAt + bootTimeoutMs)
    return {
      kind: 'settled',
      phase: 'failed',
      reason: `its agent ${what} within ${bootTimeoutMs / 1000} s${hint}; the machine is kept, start tries again`,
    }
  const pauseMs = Math.min(5_000, 500 + (now - row.phaseAt) / 4)
  return { kind: 'wait', at: now + pauseMs, phase: row.phase, reason: `its agent ${what} yet` }
}

const clockSkewMs = 2_000
/** A session that is still shown after this time has answered heartbeats since. */
const sessionProvenMs = wireLimits.heartbeatMs * (wireLimits.heartbeatsMissedMax + 1)

/**
 * After a restart the session of the life before may still be shown for a while. One that began since counts at once; an
 * older one only when it has outlived its heartbeats (we may have died between the start and writing it down).
 */
const isOfThisLife = (seenAt: number, row: SystemRow, now: number): boolean =>
  isSince(seenAt, row) || now >= row.phaseAt + sessionProvenMs

/** Whether its agent was heard since the row's phase began. */
export const isSince = (seenAt: number, row: SystemRow): boolean => seenAt >= row.phaseAt - clockSkewMs

export const iso = (ms: number): string => new Date(ms).toISOString()

/** How long a guest that was asked to stop is given before it is asked again. */
const askAgainMs = 15_000
/** How long until it is looked at again: soon at first. */
const lookAgain = (since: number, now: number): number => now + Math.min(5_000, 500 + (now - since) / 4)

const isForced = ({ forceAt }: SystemRow, now: number): boolean => forceAt !== null && now >= forceAt

/** Running though it shall not: the guest is asked, and its power is taken away only from the time that was asked for. */
export const halt = (row: SystemRow, power: Power, now: number): Step => {
  if (row.phase !== 'stopping') return { kind: 'enter', phase: 'stopping' }
  const { stopSentAt, forceAt } = row
  const isAskedYet = stopSentAt !== null && now < stopSentAt + askAgainMs
  const wasForced = forceAt !== null && stopSentAt !== null && stopSentAt >= forceAt
  if (isForced(row, now) && !(wasForced && isAskedYet)) return { kind: 'stop', force: true }
  if (power === 'running' && !isAskedYet) return { kind: 'stop', force: false }
  const at = Math.min(lookAgain(stopSentAt ?? row.phaseAt, now), forceAt !== null && now < forceAt ? forceAt : Infinity)
  const until =
    forceAt === null ? 'stop with force does not wait for it' : `from ${iso(forceAt)} it is not asked any more`
  const reason = wasForced ? 'its power is being taken away' : `the guest was asked to stop and has not yet; ${until}`
  return { kind: 'wait', at, phase: 'stopping', reason }
}

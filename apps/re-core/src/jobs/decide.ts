import type { Caps, ObservedVm, Observation, OnLost, Phase, ProviderError } from '@re-ops/protocols'
import type { OpRow, Sighting, SystemRow } from '../store/row.ts'
import type { BesideVolume } from '../store/beside-volumes.ts'
import { cleared, placed } from './decide-beside.ts'
import { doOnce } from './decide-op.ts'
import { awaited, fallen, halt, leftOn } from './decide-power.ts'
import type { OpEnd } from '../store/ops.ts'
import { resized, told } from './decide-change.ts'
import { isExpiryUntold } from './decide-lease.ts'
import { lost, putRight, release, takeHold, watched } from './decide-policy.ts'
import { strayed } from './decide-stray.ts'
import { isFixed } from './drift.ts'

/** What one message has looked at so far. `undefined` = not looked. */
export type Seen = {
  readonly sightings: readonly Sighting[]
  readonly instance?: Observation
  readonly found?: readonly ObservedVm[]
  readonly host?: {
    readonly id: string
    readonly online: boolean
    readonly enrolledAt: number
    readonly seenAt: number
    readonly boot: string | null
  } | null
  /** Of a machine that died: whether its agent had called home since its last start, as far as can be known now. */
  readonly calledHome?: boolean
  /** The one-shot verb as it is written down. */
  readonly op?: OpRow | null
  /** What the provider's history says of it. */
  readonly history?: 'none' | 'cannot-tell'
  /** What became of what the provider still did. */
  readonly progress?: Progress
  /** Volumes that were made with it, or may have been. */
  readonly volumes?: readonly BesideVolume[]
}
export type Progress = 'running' | 'done' | { readonly failed: ProviderError }

export type Rules = {
  readonly caps: Caps
  /** A machine that died is left visible for this long before it is started again. */
  readonly restartDelayMs: number
  readonly bootTimeoutMs: number
  /** Ours, as machines carry it. */
  readonly installation?: string
}

/** What to do next for one system. Looks are free; of the mutations one message does at most one. */
export type Step =
  | { kind: 'look'; at: 'instance' | 'identity' | 'host' | 'last-life' | 'op' | 'history' | 'progress' | 'volumes' }
  | { kind: 'freeze' }
  | { kind: 'register' }
  | { kind: 'create' }
  | { kind: 'adopt'; ref: string }
  | { kind: 'start' }
  | { kind: 'stop'; force: boolean }
  | { kind: 'tell'; what: 'name' | 'labels' }
  | { kind: 'resize' }
  | { kind: 'resize-over'; why: string | null }
  /** Puts the next firewall or volume in place that was asked for with it. */
  | { kind: 'beside' }
  | { kind: 'beside-over'; why: string | null }
  | { kind: 'end-volume'; volume: BesideVolume }
  | { kind: 'keep-volumes' }
  /** Sends a one-shot verb; `unsent`: it certainly was not done, and may be sent. */
  | { kind: 'op' }
  | { kind: 'op-unsent' }
  | { kind: 'op-over'; end: OpEnd }
  | { kind: 'protect' }
  /** Writes our marks at a machine that was there before us; takes them off for good. */
  | { kind: 'mark' }
  | { kind: 'unmark' }
  | { kind: 'fix'; field: 'labels' | 'protection' }
  | { kind: 'lost'; next: Exclude<OnLost, 'alert'>; why: string }
  | { kind: 'set-expiry' }
  | { kind: 'destroy'; of: 'own' | 'found' | 'sighting'; ref: string | null }
  | { kind: 'revoke' }
  | { kind: 'next-candidate' }
  | { kind: 'next-generation' }
  /** Write down what was seen and go on. */
  | { kind: 'note'; what: 'down' | 'missing'; restarts?: number }
  | { kind: 'enter'; phase: Phase; at?: number; host?: string }
  /** Look again at `at`, or after a growing pause when it is null. */
  | { kind: 'wait'; at: number | null; phase: Phase; reason: string | null }
  /** Wanted and seen agree (or nothing more can be done without a person). */
  | { kind: 'settled'; phase: Phase; reason: string | null }

const mutations: ReadonlySet<Step['kind']> = new Set([
  'create',
  'start',
  'stop',
  'protect',
  'set-expiry',
  'destroy',
  'tell',
  'resize',
  'op',
  'mark',
  'unmark',
  'fix',
  'beside',
  'end-volume',
])
export const isMutation = (step: Step): boolean => mutations.has(step.kind)

/** From here on a create that was sent can no longer make its machine appear. */
const landedBy = (row: SystemRow, caps: Caps): number =>
  (row.sentAt ?? 0) + caps.latestLandingMs + caps.maxVisibilityLagMs

/**
 * The whole life of a system as one pure function: (row, what was seen, time) -> one step. It never assumes that an
 * earlier step was the last thing that happened: a worker may have died anywhere, so each answer follows from what is
 * written down and what was just seen.
 */
export const decide = (row: SystemRow, seen: Seen, now: number, rules: Rules): Step => {
  const leaving = row.desired === 'absent' || row.wantGeneration > row.generation
  const stray = strayed(row, seen.sightings, leaving, rules.caps)
  if (stray !== null) return stray
  if (row.phase === 'gone') return { kind: 'settled', phase: 'gone', reason: null }
  if (leaving) return leave(row, seen, now, rules)
  return row.ref === null ? make(row, seen, now, rules) : keep(row, seen, now, rules)
}

/** Whether re-mote may know a token of this generation: from the moment it is frozen it can have been registered. */
const mayBeRegistered = (row: SystemRow): boolean =>
  row.readiness === 'agent' && (row.frozenRequest !== null || row.registeredAt !== null || row.candidate > 0)

/** The one machine that this identity can have is shown as ended: nothing more can come, and there is nothing to wait for. */
const isOver = (row: SystemRow, found: readonly ObservedVm[], caps: Caps): boolean =>
  caps.createIdempotency !== 'lookup' &&
  !caps.reusableAfterDestroy &&
  row.ref !== null &&
  found.some(vm => vm.ref === row.ref && vm.power === 'gone')

/** The provider was last told otherwise. */
const isProtectedOtherwise = (row: SystemRow, caps: Caps): boolean =>
  caps.protection && row.protectedThere !== row.protected

/** Absent wanted: destroy every machine of this identity (or let it be), see that it is so, revoke the identity, end. */
const leave = (row: SystemRow, seen: Seen, now: number, { caps }: Rules): Step => {
  const stays = row.managed === 'observe' || caps.given === true
  const phase = stays ? 'forgetting' : 'destroying'
  if (row.phase !== phase) return { kind: 'enter', phase }
  if (stays) {
    const step = release(row, seen)
    if (step !== null) return step
  } else if (row.sentAt !== null || row.ref !== null) {
    // Asked for by a person who took the protection away; the provider may not know it yet.
    if (row.destroyedAt === null && row.ref !== null && isProtectedOtherwise(row, caps)) return { kind: 'protect' }
    // With ids of our choosing, destroying what is not there yet spends the identity: a create that is still under
    // way somewhere is then refused, instead of landing after everyone stopped looking.
    if (row.destroyedAt === null && (caps.createIdempotency === 'caller-id' || row.ref !== null))
      return { kind: 'destroy', of: 'own', ref: row.ref }
    if (seen.found === undefined) return { kind: 'look', at: 'identity' }
    const left = seen.found.find(vm => vm.power !== 'gone' && vm.power !== 'terminating')
    if (left !== undefined) return { kind: 'destroy', of: 'found', ref: left.ref }
    const stillShown = seen.found.some(vm => vm.power === 'terminating')
    if (stillShown) return { kind: 'wait', at: null, phase: 'destroying', reason: 'the machine is being removed' }
    if (!isOver(row, seen.found, caps)) {
      if (row.missingAt === null) return { kind: 'note', what: 'missing' }
      // One that looks sends once per identity, so when its machine is known nothing else can land.
      const isLanded = caps.createIdempotency === 'lookup' && row.ref !== null
      const sureAt = Math.max(isLanded ? 0 : landedBy(row, caps), row.missingAt + caps.maxVisibilityLagMs)
      if (now < sureAt)
        return {
          kind: 'wait',
          at: sureAt,
          phase: 'destroying',
          reason: 'waiting until a late create can no longer land',
        }
    }
  }
  const clearing = cleared(row, seen)
  if (clearing !== null) return clearing
  if (mayBeRegistered(row) && row.revokedAt === null) return { kind: 'revoke' }
  return row.desired === 'absent' ? { kind: 'settled', phase: 'gone', reason: null } : { kind: 'next-generation' }
}

/** No machine known yet: freeze the request, let re-mote know its token, send; after a crash send the very same again. */
const make = (row: SystemRow, seen: Seen, now: number, { caps }: Rules): Step => {
  if (row.phase === 'failed' || row.phase === 'lost') return { kind: 'settled', phase: row.phase, reason: row.reason }
  if (row.sentAt === null) {
    if (row.frozenRequest === null) return { kind: 'freeze' }
    if (row.readiness === 'agent' && row.registeredAt === null) return { kind: 'register' }
    return { kind: 'create' }
  }
  if (caps.createIdempotency !== 'lookup') return { kind: 'create' }
  if (seen.found === undefined) return { kind: 'look', at: 'identity' }
  const oldest = seen.found.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))[0]
  if (oldest !== undefined) return { kind: 'adopt', ref: oldest.ref }
  const sureAt = landedBy(row, caps)
  if (now < sureAt)
    return { kind: 'wait', at: sureAt, phase: 'requested', reason: 'the create call was not answered; looking for it' }
  return { kind: 'next-candidate' }
}

/** The machine is known: compare what is seen with what is wanted. */
const keep = (row: SystemRow, seen: Seen, now: number, rules: Rules): Step => {
  if (seen.instance === undefined) return { kind: 'look', at: 'instance' }
  if (seen.instance.state === 'unknown')
    return { kind: 'wait', at: null, phase: row.phase, reason: seen.instance.why.message }
  if (seen.instance.state === 'absent')
    return seen.instance.proof === 'never-made' ? neverMade(row) : missing(row, seen.instance, now, rules)
  const { power } = seen.instance.vm
  if (power === 'gone' || power === 'terminating') return missing(row, { proof: 'terminal' }, now, rules)
  if (power === 'failed')
    return { kind: 'settled', phase: 'failed', reason: `the provider says: ${seen.instance.vm.raw}` }
  const held = takeHold(row, seen.instance.vm, rules.installation)
  if (held !== null) return held
  if (row.managed === 'observe') return watched(row, power)
  if (isProtectedOtherwise(row, rules.caps)) return { kind: 'protect' }
  if (isExpiryUntold(row, rules.caps)) return { kind: 'set-expiry' }
  const change =
    told(row, rules) ?? doOnce(row, power, seen, now, rules) ?? resized(row, power, seen, { now, caps: rules.caps })
  if (change !== null) return change
  const right = row.phase === 'ready' || row.phase === 'stopped' ? putRight(row, seen.instance.vm) : null
  if (right !== null) return right
  if (power === 'stopping' && row.desired === 'stopped') return halt(row, power, now)
  if (power === 'pending' || power === 'stopping' || power === 'unknown')
    return { kind: 'wait', at: null, phase: row.phase, reason: `the machine is ${power}` }
  const running = power === 'running'
  if (row.desired === 'stopped') {
    if (!running) return { kind: 'settled', phase: 'stopped', reason: null }
    return row.phase === 'stopped' && !isFixed(row, 'power') ? leftOn : halt(row, power, now)
  }
  return running ? (placed(row, seen) ?? awaited(row, seen, now, rules)) : fallen(row, seen, now, rules)
}

/** Accepted tries that may come to nothing before a person is asked. */
const candidatesMax = 8

/** There never was a machine: the next try is another identity. */
const neverMade = (row: SystemRow): Step =>
  row.candidate + 1 < candidatesMax
    ? { kind: 'next-candidate' }
    : {
        kind: 'settled',
        phase: 'failed',
        reason: `the provider accepted ${candidatesMax} creates and made none of them; reload tries again`,
      }

/** Seen absent though wanted: believed when it is terminal, or not found twice with the visibility window between. */
const missing = (
  row: SystemRow,
  { proof, why }: { readonly proof: string; readonly why?: string },
  now: number,
  { caps }: Rules,
): Step => {
  if (row.phase === 'lost') return { kind: 'settled', phase: 'lost', reason: row.reason }
  const gone = lost(row, now, why)
  if (proof === 'terminal') return gone
  if (row.missingAt === null) return { kind: 'note', what: 'missing' }
  const sureAt = Math.max(landedBy(row, caps), row.missingAt + caps.maxVisibilityLagMs)
  // It may show up at any moment, so it is looked for all the while.
  return now < sureAt
    ? { kind: 'wait', at: null, phase: row.phase, reason: 'the provider does not show the machine' }
    : gone
}

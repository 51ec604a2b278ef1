import type { Sighting, SystemRow } from '../store/row.ts'
import type { Changes } from '../store/systems.ts'
import type { Attempt, Deps, Ending, Message } from './attempt.ts'
import { ProviderError, type Phase, type Provider } from '@re-ops/protocols'
import { decide, isMutation, type Seen, type Step } from './decide.ts'
import { shownIn } from './decide-stray.ts'
import { absence, driftOf } from './drift.ts'
import { perform } from './effects.ts'
import { waitsWithAccount } from './park.ts'

const stepsMax = 24
const pauseMsMin = 1_000
const pauseMsMax = 30_000

/** Growing, and different for everyone, so that those who wait for the same thing do not come back together. */
const pauseMs = (attempt: number, random: () => number): number =>
  pauseMsMin + random() * (Math.min(pauseMsMax, pauseMsMin * 3 ** Math.min(attempt + 1, 6)) - pauseMsMin)

/** The provider of the row's place, or why there is none. */
const opened = async (deps: Deps, row: SystemRow): Promise<Provider | string> => {
  try {
    return await deps.open(row)
  } catch (error) {
    if (error instanceof ProviderError) return error.message
    throw error
  }
}

/** When this life of the system began; what `readyAfterMs` counts from. */
const lifeBegan = (row: SystemRow): number => {
  const planned = row.phases.findLast(mark => mark.name === 'planned')
  return planned === undefined ? row.createdAt : Date.parse(planned.at)
}

/** What was just seen not to be as it is wanted; what was known before, where nothing was looked at. */
const driftSeen = ({ row, seen: { instance }, provider }: Attempt, phase: Phase, now: number): Changes => {
  if (phase === 'gone') return { drift: [] }
  if (phase === 'lost') return { drift: absence(row) }
  return instance?.state === 'present' ? { drift: driftOf(row, instance.vm, provider, now) } : {}
}

const settledChanges = (row: SystemRow, step: Extract<Step, { kind: 'settled' }>, now: number): Changes => ({
  phase: step.phase,
  reason: step.reason,
  nextAt: null,
  attempt: 0,
  verdict: null,
  op: null,
  ...(step.phase === 'failed' || step.phase === 'lost' || step.phase === 'gone' ? { wantSize: null, opRef: null } : {}),
  ...(step.phase === 'ready'
    ? { downAt: null, restarts: 0, readyAfterMs: row.readyAfterMs ?? Math.max(0, now - lifeBegan(row)) }
    : {}),
  // Sealed or not: what is over needs no token any more.
  ...(step.phase === 'gone' ? { frozenRequest: null, downAt: null, observed: 'absent', addresses: [] } : {}),
})

const putOff = (deps: Deps, row: SystemRow, message: Message | null, nextAt: number, reason: string): Promise<void> => {
  const changes = { nextAt, reason, attempt: row.attempt + 1 }
  return deps.store.finish(row, changes, { nextAt, settled: false, reason }, message, deps.now())
}

/**
 * One attempt on one system: take the epoch, then look, decide, act until it waits or is settled, with at most one
 * mutation. It may end anywhere; whoever comes next goes on from what is written down.
 */
export const reconcile = async (
  deps: Deps,
  id: string,
  signal: AbortSignal,
  message: Message | null,
): Promise<void> => {
  const { store } = deps
  const claimed = await store.claim(id)
  if (claimed === null) {
    if (deps.volume === undefined) await store.drop(message)
    else await deps.volume(id, signal, message)
    return
  }
  const [waits, sightings] = await Promise.all([waitsWithAccount(deps, claimed), store.sightings(id)])
  if (waits !== null) return putOff(deps, claimed, message, waits.until, waits.reason)
  return goOn(deps, claimed, signal, message, sightings)
}

/** Null: it was written down and claimed a moment ago, so nobody has asked for a machine of it. */
type Known = readonly Sighting[] | null

/** Goes on with a system that is claimed, and whose account need not wait. */
export const goOn = async (
  deps: Deps,
  claimed: SystemRow,
  signal: AbortSignal,
  message: Message | null,
  known: Known,
): Promise<void> => {
  const { store, now } = deps
  const { id } = claimed
  const provider = await opened(deps, claimed)
  if (typeof provider === 'string') return putOff(deps, claimed, message, now() + deps.parkedMs, provider)
  const { caps } = provider
  const rules = { ...deps.rules, caps, bootTimeoutMs: caps.bootTimeoutMs ?? deps.rules.bootTimeoutMs }
  const ahead = known === null ? provider.turnAhead?.(signal) : undefined
  // Who creates hears of it.
  ahead?.catch(() => {})
  let attempt: Attempt = {
    row: claimed,
    seen: { sightings: known ?? [] },
    pending: {},
    signal,
    provider,
    ...(ahead === undefined ? {} : { ahead }),
  }
  let mutated = false
  const finish = (changes: Changes, ending: Ending) => {
    const nextAt = earlier(ending.nextAt, shownIn(attempt.seen.sightings, caps), now())
    return store.finish(attempt.row, { ...attempt.pending, ...changes, nextAt }, { ...ending, nextAt }, message, now())
  }
  const again = (afterMs: number, reason: string | null, changes: Changes) => {
    const nextAt = now() + afterMs
    return finish({ nextAt, reason, ...changes }, { nextAt, settled: false, reason })
  }

  for (let n = 0; n < stepsMax; n += 1) {
    const { row } = attempt
    const step = decide(row, attempt.seen, now(), rules)
    await deps.at?.(step.kind, claimed.id)
    if (step.kind === 'settled')
      return finish(
        { ...settledChanges(row, step, now()), ...driftSeen(attempt, step.phase, now()) },
        { nextAt: null, settled: true, reason: step.reason },
      )
    if (step.kind === 'wait') {
      const afterMs = step.at === null ? pauseMs(row.attempt, deps.random) : Math.max(0, step.at - now())
      return again(afterMs, step.reason, {
        phase: step.phase,
        ...(step.at === null ? { attempt: row.attempt + 1 } : {}),
      })
    }
    if (isMutation(step) && mutated) return again(0, null, {})
    mutated ||= isMutation(step)
    const outcome = await perform(deps, attempt, step)
    await deps.at?.(`${step.kind}.done`, claimed.id)
    if (outcome.kind === 'fenced') return store.drop(message)
    if (outcome.kind === 'failed')
      return finish(
        { ...outcome.changes, phase: 'failed', reason: outcome.reason, nextAt: null },
        { nextAt: null, settled: true, reason: outcome.reason },
      )
    if (outcome.kind === 'pause') {
      deps.log.warn({ system: id, step: step.kind, reason: outcome.reason }, 'a system waits')
      const afterMs = outcome.afterMs ?? pauseMs(row.attempt, deps.random)
      return again(afterMs, outcome.reason, { attempt: row.attempt + 1, ...outcome.changes })
    }
    attempt = {
      ...attempt,
      row: outcome.row,
      seen: isMutation(step) ? fresh(attempt.seen, outcome.seen) : { ...attempt.seen, ...outcome.seen },
      pending: outcome.pending ?? {},
      ...(outcome.ahead === undefined ? {} : { ahead: outcome.ahead }),
    }
  }
  return again(0, null, {})
}

/** `inMs` from now, or what there was if that is sooner. */
const earlier = (at: number | null, inMs: number | null, now: number): number | null =>
  inMs === null ? at : Math.min(at ?? Infinity, now + inMs)

/** What was seen before a mutation is no longer true. */
const fresh = (before: Seen, after: Partial<Seen>): Seen => ({ sightings: before.sightings, ...after })

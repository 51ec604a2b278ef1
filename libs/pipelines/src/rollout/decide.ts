import type { RunStop } from '@re-ops/protocols'
import type { RolloutPlan } from './plan.ts'

/**
 * How far a rollout is: counts alone, which rows can always tell. Hosts begin one after the other, so the first `canary` of those that began are
 * the canaries, and batches are what follows.
 */
export type RolloutState = {
  /** Hosts that had their turn, ended or not. */
  readonly begun: number
  /** Of these, hosts that have not left their place: at work, or ended less than `keepsPlaceMs` ago. */
  readonly places: number
  /** Of these, hosts that ended, and not ok. */
  readonly failed: number
  readonly paused: boolean
}
export type RolloutStage = { readonly name: 'canary' | 'batch' | 'all'; readonly at: number; readonly of: number }
export type RolloutDecision = {
  /** How many may begin now. */
  readonly start: number
  /** The rule by which no other host begins. */
  readonly stop: RunStop | null
  readonly stage: RolloutStage
  /** Why the next host does not begin; null when none is left. */
  readonly waitsFor: string | null
}
type Span = RolloutStage & { readonly from: number; readonly to: number }

const stageAt = ({ canary, serial, expected }: RolloutPlan, nth: number): Span => {
  if (nth < canary) return { name: 'canary', at: 1, of: 1, from: 0, to: canary }
  if (serial === null) return { name: 'all', at: 1, of: 1, from: canary, to: expected }
  const at = Math.floor((nth - canary) / serial)
  const from = canary + at * serial
  const of = Math.ceil((expected - canary) / serial)
  return { name: 'batch', at: at + 1, of, from, to: Math.min(expected, from + serial) }
}

const stopOf = (plan: RolloutPlan, { begun, failed }: RolloutState): RunStop | null => {
  const { canary, canaryFailuresMax, failuresMax, expected, cancelRunning } = plan
  if (canary > 0 && begun <= canary && failed > canaryFailuresMax) {
    const reason = `${failed} of ${canary} canaries failed, allowed are ${canaryFailuresMax}`
    return { rule: 'canary', reason, cancelRunning }
  }
  if (failed <= failuresMax) return null
  return {
    rule: 'maxFailures',
    reason: `${failed} of ${expected} hosts failed, allowed are ${failuresMax}`,
    cancelRunning,
  }
}

/** Whose turn it is. The one place that knows the rules: driver, API and tests ask here. */
export const decideRollout = (plan: RolloutPlan, state: RolloutState): RolloutDecision => {
  const { begun, places, paused } = state
  const stop = stopOf(plan, state)
  const next = stageAt(plan, Math.min(begun, Math.max(0, plan.expected - 1)))
  const atGate = begun === next.from && begun > 0 && places > 0
  const { name, at, of, from, to } = atGate ? stageAt(plan, begun - 1) : next
  const decided = (start: number, waitsFor: string | null): RolloutDecision => ({
    start,
    stop,
    stage: { name, at, of },
    waitsFor,
  })
  if (begun >= plan.expected) return decided(0, null)
  if (stop) return decided(0, stop.reason)
  if (paused) return decided(0, 'the run is paused')
  if (atGate)
    return decided(
      0,
      `${places} of ${to - from} ${name === 'canary' ? 'canaries' : `hosts of batch ${at} of ${of}`} to end`,
    )
  const start = Math.max(0, Math.min(next.to - begun, plan.placesMax - places))
  return decided(start, `a place: ${Math.min(places, plan.placesMax)} of ${plan.placesMax} are taken`)
}

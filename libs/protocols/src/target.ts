import type { HostRef, HostResult } from './outcome.ts'
import type { StepData, Target } from './run.ts'

/** A target that ended, as its one result. */
export const resultOf = (target: Target): HostResult<unknown> => {
  const base = { host: target.host, ms: target.ms ?? 0 }
  if (target.state === 'ok') return { ...base, ok: true, value: target.value ?? null }
  const unexplained = { kind: 'lost' as const, message: `ended ${target.state}`, step: target.step ?? '' }
  return { ...base, ok: false, failure: target.failure ?? unexplained }
}

/** A target of which there is no answer of its host's own: not yet, or never. */
export type Missing = { host: HostRef; state: Target['state']; why: string }

/** Why a target is missing from what the hosts said, or null when its host did answer, if only with a failure. */
export const missingOf = ({ host, state, step, failure }: Target): Missing | null => {
  if (state === 'queued') return { host, state, why: `waits to begin${step === null ? '' : ` with ${step}`}` }
  if (state === 'running') return { host, state, why: `is at ${step ?? 'its first step'}` }
  if (state === 'ok') return null
  const unheard = state === 'unreachable' || state === 'lost' || failure?.started === 'no'
  return unheard ? { host, state, why: failure?.message ?? state } : null
}

/** The operation of the catalogue whose values a pipeline ends with, when that can be told; one of a live module is not in it. */
export const lastOperation = (pipeline: unknown): string | undefined => {
  const step = pipeline as Partial<StepData> | null
  if (step?.kind === 'call') return step.module === undefined ? step.operation : undefined
  if (step?.kind === 'sequence')
    return lastOperation(step.steps?.findLast(one => (one as { kind?: string } | null)?.kind !== 'gather'))
  return step?.kind === 'retry' || step?.kind === 'via' ? lastOperation(step.step) : undefined
}

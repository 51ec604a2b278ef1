import { begin, resume, type Progress, type Step } from '@re-ops/pipelines'
import type { CallResult } from '@re-ops/protocols'
import type { Opening } from '../store/create-run.ts'
import { noSession, unreachable } from './failures.ts'

/** What hosts with a session begin with. Pipelines begin without input, so it is the same for all. */
export const onlineOpening = (step: Step<unknown, unknown>): { opening: Opening; first: Progress } => {
  const first = begin(step)
  return { first, opening: openingOf(first) }
}

/** What hosts without a session come to: every call of theirs is unreachable at once, provably not sent. */
export const offlineOpening = (step: Step<unknown, unknown>): Opening => {
  let progress = begin(step)
  while (progress.kind === 'call') progress = resume(step, progress.cursor, unreachable(progress.step, noSession))
  return openingOf(progress)
}

const openingOf = (progress: Progress): Opening => {
  const nothing = { cursor: null, gathered: false, value: null, failure: null, call: false }
  switch (progress.kind) {
    case 'call':
      return { ...nothing, state: 'queued', step: progress.step, cursor: progress.cursor, call: true }
    case 'gather':
      return {
        ...nothing,
        state: 'running',
        step: progress.step,
        cursor: progress.cursor,
        gathered: true,
        value: progress.value,
      }
    case 'done':
      return { ...nothing, ...endOf(progress.result) }
  }
}

/** The end of a target as its row has it. */
export const endOf = (result: CallResult) =>
  result.ok
    ? { state: 'ok' as const, step: null, value: result.value ?? null, failure: null }
    : { state: result.failure.kind, step: result.failure.step, value: null, failure: result.failure }

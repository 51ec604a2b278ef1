import type { Failed, FailureKind, HostRef, HostResult, Outcome } from '@re-ops/protocols'
import { canonical } from './canonical.ts'

export type Summary = { expected: number; ok: number; failed: number; failures: Record<string, number> }

/** The counts of an outcome. `expected` is the number of targets, which may be more than the results so far. */
export const summarise = (results: Iterable<HostResult<unknown>>, expected?: number): Summary => {
  const summary: Summary = { expected: 0, ok: 0, failed: 0, failures: {} }
  for (const result of results) {
    summary.expected += 1
    if (result.ok) summary.ok += 1
    else {
      summary.failed += 1
      summary.failures[result.failure.kind] = (summary.failures[result.failure.kind] ?? 0) + 1
    }
  }
  return { ...summary, expected: expected ?? summary.expected }
}

/** The failed results by kind. */
export const byFailure = (outcome: Outcome<unknown>): Partial<Record<FailureKind, Failed[]>> => {
  const found: Partial<Record<FailureKind, Failed[]>> = {}
  for (const result of outcome) if (!result.ok) (found[result.failure.kind] ??= []).push(result)
  return found
}

export type Difference<A> = {
  /** Hosts whose result is another than before; a failure that stays the same kind and message is no change. */
  changed: { host: HostRef; before: HostResult<A>; after: HostResult<A> }[]
  added: HostResult<A>[]
  removed: HostResult<A>[]
  same: number
}

/** What is different from a previous outcome, by host id. */
export const diff = <A>(outcome: Outcome<A>, previous: Outcome<A>): Difference<A> => {
  const before = new Map(previous.map(result => [result.host.id, result]))
  const now = new Set(outcome.map(result => result.host.id))
  const found: Difference<A> = {
    changed: [],
    added: [],
    removed: previous.filter(result => !now.has(result.host.id)),
    same: 0,
  }
  for (const after of outcome) {
    const old = before.get(after.host.id)
    if (!old) found.added.push(after)
    else if (said(old) === said(after)) found.same += 1
    else found.changed.push({ host: after.host, before: old, after })
  }
  return found
}

const said = (result: HostResult<unknown>) =>
  canonical(result.ok ? { value: result.value } : [result.failure.kind, result.failure.message])

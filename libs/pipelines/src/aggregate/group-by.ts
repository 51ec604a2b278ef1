import type { HostResult, Outcome } from '@re-ops/protocols'
import { addCounts, fieldStates, type AggregateState, type FieldState, type FieldSummary } from './aggregate.ts'
import type { SummarySpec } from './functions.ts'
import { groupOutcome, type OutcomeGroups } from './group-outcome.ts'
import { textOf } from './parts.ts'
import type { Aggregate } from './reducer.ts'
import { mergeSorted } from './tally.ts'
import { valuesAt } from './values-at.ts'
import type { Ok } from '@re-ops/protocols'

type GroupState = { readonly ok: number; readonly fields: Readonly<Record<string, FieldState>> }
export type GroupedState = {
  readonly ok: number
  readonly failures: AggregateState['failures']
  /** Sorted by key; only the first in that order are kept apart. */
  readonly groups: readonly (readonly [key: string, state: GroupState])[]
  readonly others: GroupState | null
}
/** `ok` counts hosts; one whose value has several keys is in several groups. */
export type GroupReport = { readonly ok: number; readonly fields: Readonly<Record<string, FieldSummary>> }
export type GroupedReport = {
  readonly by: string
  readonly ok: number
  readonly failures: Readonly<Record<string, number>>
  /** The biggest first. */
  readonly groups: readonly (GroupReport & { readonly key: string })[]
  /** The groups beyond the limit, together; null when there are none. */
  readonly others: GroupReport | null
}
export const noKey = '(none)'
const groupsMaxDefault = 256

/**
 * Of an outcome: the ok results by what `f` says of each, the biggest group first, the failed beside. Of a path: an aggregate that groups
 * results by the value at the path while they arrive, and aggregates each group. At most `groupsMax` groups (default 256) are kept apart: those
 * first in the order of their keys; the rest is `others`, which keeps merging associative and commutative.
 */
export function groupBy<A, K>(outcome: Outcome<A>, f: (result: Ok<A>) => K): OutcomeGroups<A, K>
export function groupBy(
  path: string,
  aggregates?: SummarySpec,
  options?: { readonly groupsMax?: number },
): Aggregate<unknown, GroupedState, GroupedReport>
export function groupBy(
  of: Outcome<unknown> | string,
  by: ((result: Ok<unknown>) => unknown) | SummarySpec = {},
  options: { readonly groupsMax?: number } = {},
): unknown {
  return typeof of === 'string'
    ? groupByPath(of, by as SummarySpec, options.groupsMax ?? groupsMaxDefault)
    : groupOutcome(of, by as (result: Ok<unknown>) => unknown)
}

const groupByPath = (
  path: string,
  summary: SummarySpec,
  groupsMax: number,
): Aggregate<unknown, GroupedState, GroupedReport> => {
  const fields = fieldStates(summary)
  const mergeGroup = (a: GroupState, b: GroupState): GroupState => ({
    ok: a.ok + b.ok,
    fields: fields.merge(a.fields, b.fields),
  })
  const bounded = (state: GroupedState): GroupedState => {
    if (state.groups.length <= groupsMax) return state
    const cut = state.groups.slice(groupsMax).map(([, group]) => group)
    return {
      ...state,
      groups: state.groups.slice(0, groupsMax),
      others: cut.reduce<GroupState | null>((all, group) => (all ? mergeGroup(all, group) : group), state.others),
    }
  }
  const merge = (a: GroupedState, b: GroupedState): GroupedState =>
    bounded({
      ok: a.ok + b.ok,
      failures: addCounts(a.failures, b.failures),
      groups: mergeSorted(a.groups, b.groups, ([key, x], [, y]) => [key, mergeGroup(x, y)] as const),
      others: a.others && b.others ? mergeGroup(a.others, b.others) : (a.others ?? b.others),
    })
  const of = (results: Iterable<HostResult<unknown>>): GroupedState => {
    let ok = 0
    const failures: Record<string, number> = {}
    const groups = new Map<string, { ok: number; fields: ReturnType<typeof fields.open> }>()
    for (const result of results) {
      if (!result.ok) {
        failures[result.failure.kind] = (failures[result.failure.kind] ?? 0) + 1
        continue
      }
      ok += 1
      for (const key of keysOf(result.value, path)) {
        const group = groups.get(key) ?? { ok: 0, fields: fields.open() }
        groups.set(key, group)
        group.ok += 1
        fields.put(group.fields, result.value, result.host)
      }
    }
    const sorted = [...groups].toSorted(([a], [b]) => Number(a > b) - Number(a < b))
    return bounded({ ok, failures, groups: sorted, others: null })
  }
  const show = ({ ok, fields: states }: GroupState): GroupReport => ({ ok, fields: fields.show(states) })
  return {
    empty: of([]),
    of,
    merge,
    add: (state, result) => merge(state, of([result])),
    end: ({ ok, failures, groups, others }) => ({
      by: path,
      ok,
      failures: { ...failures },
      groups: groups.map(([key, group]) => ({ key, ...show(group) })).toSorted((a, b) => b.ok - a.ok),
      others: others && show(others),
    }),
  }
}

const keysOf = (value: unknown, path: string): Iterable<string> => {
  const found = valuesAt(value, path)
  return found.length === 0 ? [noKey] : new Set(found.map(textOf))
}

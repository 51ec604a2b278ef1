import type { HostRef, HostResult } from '@re-ops/protocols'
import { summaryFunction, type SummarySpec, type SummaryFunction } from './functions.ts'
import { partOf, shown, type Part, type Shown } from './parts.ts'
import type { Aggregate } from './reducer.ts'
import { valuesAt } from './values-at.ts'

/** What is kept of one field: a state for each part its functions need. */
export type FieldState = Readonly<Record<string, unknown>>
export type AggregateState = {
  readonly ok: number
  readonly failures: Readonly<Record<string, number>>
  readonly fields: Readonly<Record<string, FieldState>>
}
/** By the name of the function. */
export type FieldSummary = Readonly<Record<string, Shown>>
export type AggregateReport = {
  readonly ok: number
  readonly failures: Readonly<Record<string, number>>
  readonly fields: Readonly<Record<string, FieldSummary>>
}

type Field = {
  readonly path: string
  readonly functions: readonly SummaryFunction[]
  readonly parts: ReadonlyMap<string, Part>
}
export const fieldsOf = (summary: SummarySpec): readonly Field[] =>
  Object.entries(summary).map(([path, names]) => {
    const functions = names.map(summaryFunction)
    const parts = functions.map(partOf)
    return { path, functions, parts: new Map(parts.map(({ key, part }) => [key, part])) }
  })

/** The states of the fields of ok results, a new one for each `open`. */
export type FieldStates = {
  open(): Record<string, Record<string, unknown>>
  put(states: Record<string, Record<string, unknown>>, value: unknown, host: HostRef): void
  merge(a: AggregateState['fields'], b: AggregateState['fields']): Record<string, FieldState>
  show(states: AggregateState['fields']): Record<string, FieldSummary>
}
export const fieldStates = (summary: SummarySpec): FieldStates => {
  const fields = fieldsOf(summary)
  const each = <T>(f: (field: Field) => T): Record<string, T> =>
    Object.fromEntries(fields.map(field => [field.path, f(field)]))
  const parts = <T>({ parts }: Field, f: (key: string, part: Part) => T): Record<string, T> =>
    Object.fromEntries([...parts].map(([key, part]) => [key, f(key, part)]))
  return {
    open: () => each(field => parts(field, (_, part) => part.empty())),
    put: (states, value, host) => {
      for (const field of fields) {
        const state = states[field.path] as Record<string, unknown>
        for (const found of valuesAt(value, field.path))
          for (const [key, part] of field.parts) state[key] = part.put(state[key], found, host)
      }
    },
    merge: (a, b) => each(field => parts(field, (key, part) => part.merge(a[field.path]?.[key], b[field.path]?.[key]))),
    show: states =>
      each(field =>
        Object.fromEntries(
          field.functions.map(one => [one.name, shown(one, states[field.path]?.[partOf(one).key])] as const),
        ),
      ),
  }
}

export const addCounts = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) => {
  const sum: Record<string, number> = { ...a }
  for (const [key, n] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + n
  return sum
}

/**
 * An aggregate over results from an operation's `summary`, or one's own: per field (a path; lists are looked into) the functions asked, see
 * `summaryFunction`. Memory grows with the fields, not with the hosts. Merging is associative and commutative (sums of fractions up to rounding), so
 * parts may arrive in any order and grouping. Throws SummaryError for a function there is none of.
 */
export const aggregate = (summary: SummarySpec): Aggregate<unknown, AggregateState, AggregateReport> => {
  const fields = fieldStates(summary)
  const merge = (a: AggregateState, b: AggregateState): AggregateState => ({
    ok: a.ok + b.ok,
    failures: addCounts(a.failures, b.failures),
    fields: fields.merge(a.fields, b.fields),
  })
  const of = (results: Iterable<HostResult<unknown>>): AggregateState => {
    const state = { ok: 0, failures: {} as Record<string, number>, fields: fields.open() }
    for (const result of results)
      if (result.ok) {
        state.ok += 1
        fields.put(state.fields, result.value, result.host)
      } else state.failures[result.failure.kind] = (state.failures[result.failure.kind] ?? 0) + 1
    return state
  }
  return {
    empty: of([]),
    of,
    merge,
    add: (state, result) => merge(state, of([result])),
    end: state => ({ ok: state.ok, failures: { ...state.failures }, fields: fields.show(state.fields) }),
  }
}

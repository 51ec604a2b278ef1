import type { HostResult } from '@re-ops/protocols'

/** An incremental reducer over results: give it each as it arrives. `fold(0, (n, r) => n + 1)` makes one. */
export type Reducer<A, S, T = S> = {
  readonly empty: S
  add(state: S, result: HostResult<A>): S
  /** What to show of the state. */
  end(state: S): T
}
/** A reducer whose states can be merged: parts may be reduced apart, in any grouping. */
export type Aggregate<A, S, T> = Reducer<A, S, T> & { merge(a: S, b: S): S }

export const fold = <A, S>(empty: S, add: (state: S, result: HostResult<A>) => S): Reducer<A, S> => ({
  empty,
  add,
  end: state => state,
})

/** Reduces results as they come; gives what the reducer shows at the end. */
export const reduce = async <A, S, T>(
  results: AsyncIterable<HostResult<A>> | Iterable<HostResult<A>>,
  reducer: Reducer<A, S, T>,
): Promise<T> => {
  let state = reducer.empty
  for await (const result of results) state = reducer.add(state, result)
  return reducer.end(state)
}

/** How one field of many hosts becomes one number (or table). `histogram` counts each distinct value. */
export const summaryFunctions = ['count', 'min', 'max', 'sum', 'mean', 'histogram'] as const
export type SummaryFunction = (typeof summaryFunctions)[number]

const distinctMax = 256

/** What is kept of one field. Plain JSON, so that parts can be merged across processes. */
export type FieldState = {
  readonly count: number
  readonly numbers: number
  readonly sum: number
  readonly min: number | null
  readonly max: number | null
  /** Distinct values with their counts, sorted; only the first 256 in that order are kept, the rest is `others`. */
  readonly distinct: readonly (readonly [string, number])[]
  readonly others: number
}
export type AggregateState = {
  readonly ok: number
  readonly failures: Readonly<Record<string, number>>
  readonly fields: Readonly<Record<string, FieldState>>
}
export type FieldSummary = Partial<Record<Exclude<SummaryFunction, 'histogram'>, number | null>> & {
  histogram?: Record<string, number>
}
export type AggregateReport = { ok: number; failures: Record<string, number>; fields: Record<string, FieldSummary> }

const none: FieldState = { count: 0, numbers: 0, sum: 0, min: null, max: null, distinct: [], others: 0 }

/**
 * An aggregate over results from an operation's `summary`: per field (a path; lists are looked into) the functions asked.
 * Merging is associative and commutative (sums of fractions up to rounding), so parts may arrive in any order and grouping.
 */
export const aggregate = (
  summary: Readonly<Record<string, readonly string[]>>,
): Aggregate<unknown, AggregateState, AggregateReport> => {
  const paths = Object.keys(summary)
  const empty: AggregateState = { ok: 0, failures: {}, fields: Object.fromEntries(paths.map(path => [path, none])) }
  const of = (result: HostResult<unknown>): AggregateState =>
    result.ok
      ? {
          ok: 1,
          failures: {},
          fields: Object.fromEntries(
            paths.map(path => [path, valuesAt(result.value, path.split('.')).map(fieldOf).reduce(mergeField, none)]),
          ),
        }
      : { ...empty, failures: { [result.failure.kind]: 1 } }
  const merge = (a: AggregateState, b: AggregateState): AggregateState => ({
    ok: a.ok + b.ok,
    failures: addCounts(a.failures, b.failures),
    fields: Object.fromEntries(paths.map(path => [path, mergeField(a.fields[path] ?? none, b.fields[path] ?? none)])),
  })
  return {
    empty,
    add: (state, result) => merge(state, of(result)),
    merge,
    end: state => ({
      ok: state.ok,
      failures: { ...state.failures },
      fields: Object.fromEntries(paths.map(path => [path, shown(state.fields[path] ?? none, summary[path] ?? [])])),
    }),
  }
}

const valuesAt = (value: unknown, path: readonly string[]): unknown[] => {
  if (Array.isArray(value)) return value.flatMap(one => valuesAt(one, path))
  const [key, ...rest] = path
  if (key === undefined) return value === undefined || value === null ? [] : [value]
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return []
  return valuesAt((value as Record<string, unknown>)[key], rest)
}

const fieldOf = (value: unknown): FieldState => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const distinct: FieldState['distinct'] = [[text, 1]]
  return typeof value === 'number'
    ? { count: 1, numbers: 1, sum: value, min: value, max: value, distinct, others: 0 }
    : { ...none, count: 1, distinct }
}

const mergeField = (a: FieldState, b: FieldState): FieldState => {
  // A value among the first 256 of all is among the first 256 of every part it is in, so its count is never short.
  const counts = new Map(a.distinct)
  for (const [text, count] of b.distinct) counts.set(text, (counts.get(text) ?? 0) + count)
  const all = [...counts].sort(([x], [y]) => (x < y ? -1 : 1))
  const cut = all.slice(distinctMax).reduce((sum, [, count]) => sum + count, 0)
  return {
    count: a.count + b.count,
    numbers: a.numbers + b.numbers,
    sum: a.sum + b.sum,
    min: extreme(Math.min, a.min, b.min),
    max: extreme(Math.max, a.max, b.max),
    distinct: all.slice(0, distinctMax),
    others: a.others + b.others + cut,
  }
}

const extreme = (of: (a: number, b: number) => number, a: number | null, b: number | null) =>
  a === null ? b : b === null ? a : of(a, b)

const addCounts = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) =>
  Object.entries(b).reduce<Record<string, number>>((sum, [key, n]) => ({ ...sum, [key]: (sum[key] ?? 0) + n }), {
    ...a,
  })

const shown = (field: FieldState, asked: readonly string[]): FieldSummary => ({
  ...(asked.includes('count') ? { count: field.count } : {}),
  ...(asked.includes('min') ? { min: field.min } : {}),
  ...(asked.includes('max') ? { max: field.max } : {}),
  ...(asked.includes('sum') ? { sum: field.sum } : {}),
  ...(asked.includes('mean') ? { mean: field.numbers === 0 ? null : field.sum / field.numbers } : {}),
  ...(asked.includes('histogram')
    ? { histogram: { ...Object.fromEntries(field.distinct), ...(field.others > 0 ? { others: field.others } : {}) } }
    : {}),
})

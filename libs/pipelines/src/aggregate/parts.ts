import type { HostRef } from '@re-ops/protocols'
import { edgesBucket, edgesRange, seriesBucket, seriesRange, type Bucket } from './buckets.ts'
import type { SummaryFunction } from './functions.ts'
import { mergeRankings, rank, type Ranked } from './ranking.ts'
import { emptySketch, mergeSketches, putNumber, quantile, type OpenSketch, type Sketch } from './sketch.ts'
import { bump, mergeTallies, total, type OpenTally, type Tally } from './tally.ts'

/** What a function keeps of the values it has seen. `put` changes the state it is given, which is never one that was merged or shown. */
export type Part = {
  empty(): unknown
  put(state: unknown, value: unknown, host: HostRef): unknown
  merge(a: unknown, b: unknown): unknown
}
const part = <S>(one: { empty(): S; put(state: S, value: unknown, host: HostRef): S; merge(a: S, b: S): S }): Part =>
  one

type Numbers = { count: number; numbers: number; sum: number; min: number | null; max: number | null }
type Distinct = { values: OpenTally<string>; others: number }

/** Only the first 256 values in order are kept apart: one of those among all is one of those of every part it is in, so no count is short. */
const distinctMax = 256
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null')

const numbers = part<Numbers>({
  empty: () => ({ count: 0, numbers: 0, sum: 0, min: null, max: null }),
  put: (state, value) => {
    state.count += 1
    if (typeof value !== 'number') return state
    state.numbers += 1
    state.sum += value
    state.min = Math.min(state.min ?? value, value)
    state.max = Math.max(state.max ?? value, value)
    return state
  },
  merge: (a, b) => ({
    count: a.count + b.count,
    numbers: a.numbers + b.numbers,
    sum: a.sum + b.sum,
    min: a.min === null || b.min === null ? (a.min ?? b.min) : Math.min(a.min, b.min),
    max: a.max === null || b.max === null ? (a.max ?? b.max) : Math.max(a.max, b.max),
  }),
})

const cut = ({ values, others }: Distinct): Distinct => ({
  values: values.slice(0, distinctMax),
  others: others + total(values.slice(distinctMax)),
})
const distinct = part<Distinct>({
  empty: () => ({ values: [], others: 0 }),
  put: (state, value) => {
    bump(state.values, textOf(value))
    return state.values.length > distinctMax ? cut(state) : state
  },
  merge: (a, b) => cut({ values: mergeTallies(a.values, b.values), others: a.others + b.others }),
})

const sketch = part<OpenSketch>({
  empty: emptySketch,
  put: (state, value) => {
    if (typeof value === 'number') putNumber(state, value)
    return state
  },
  merge: mergeSketches,
})

const ranking = (order: 'top' | 'bottom', k: number) =>
  part<Ranked[]>({
    empty: () => [],
    put: (state, value, host) => (typeof value === 'number' ? rank(order, k, state, { host, value }) : state),
    merge: (a, b) => mergeRankings(order, k, a, b),
  })

const buckets = (bucketOf: (value: number) => number) =>
  part<OpenTally<number>>({
    empty: () => [],
    put: (state, value) => {
      if (typeof value === 'number') bump(state, bucketOf(value))
      return state
    },
    merge: mergeTallies,
  })

/** The part a function reads from; functions of the same key share it. */
export const partOf = (one: SummaryFunction): { readonly key: string; readonly part: Part } => {
  switch (one.kind) {
    case 'histogram':
      return { key: 'distinct', part: distinct }
    case 'quantile':
      return { key: 'sketch', part: sketch }
    case 'top':
    case 'bottom':
      return { key: one.name, part: ranking(one.kind, one.k) }
    case 'buckets': {
      const { edges } = one
      return { key: one.name, part: buckets(edges ? value => edgesBucket(edges, value) : seriesBucket) }
    }
    default:
      return { key: 'numbers', part: numbers }
  }
}

export type Shown = number | null | Readonly<Record<string, number>> | readonly Bucket[] | readonly Ranked[]

/** What the function says of its part. */
export const shown = (one: SummaryFunction, state: unknown): Shown => {
  switch (one.kind) {
    case 'histogram': {
      const { values, others } = state as Distinct
      return { ...Object.fromEntries(values), ...(others > 0 ? { others } : {}) }
    }
    case 'quantile':
      return quantile(state as Sketch, one.share)
    case 'top':
    case 'bottom':
      return state as Ranked[]
    case 'buckets': {
      const { edges } = one
      const range = (n: number) => (edges ? edgesRange(edges, n) : seriesRange(n))
      return (state as Tally<number>).map(([n, count]) => ({ ...range(n), count }))
    }
    case 'mean': {
      const { numbers: n, sum } = state as Numbers
      return n === 0 ? null : sum / n
    }
    default:
      return (state as Numbers)[one.kind]
  }
}

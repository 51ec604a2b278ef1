import type { HostResult } from '@re-ops/protocols'

/** An incremental reducer over results: give it each as it arrives. `fold(0, (n, r) => n + 1)` makes one. */
export type Reducer<A, S, T = S> = {
  readonly empty: S
  add(state: S, result: HostResult<A>): S
  /** What to show of the state. */
  end(state: S): T
}
/**
 * A reducer whose states can be merged: parts may be reduced apart, in any order and grouping. States are plain JSON, so parts may be reduced in
 * several processes.
 */
export type Aggregate<A, S, T> = Reducer<A, S, T> & {
  merge(a: S, b: S): S
  /** The state of many results at once: the same as adding each, without a new state for each. */
  of(results: Iterable<HostResult<A>>): S
}

export const fold = <A, S>(empty: S, add: (state: S, result: HostResult<A>) => S): Reducer<A, S> => ({
  empty,
  add,
  end: state => state,
})

const chunkMax = 256
const isAggregate = <A, S, T>(reducer: Reducer<A, S, T>): reducer is Aggregate<A, S, T> => 'of' in reducer

/** Reduces results as they come; gives what the reducer shows at the end. */
export const reduce = async <A, S, T>(
  results: AsyncIterable<HostResult<A>> | Iterable<HostResult<A>>,
  reducer: Reducer<A, S, T>,
): Promise<T> => {
  let state = reducer.empty
  let chunk: HostResult<A>[] = []
  const flush = () => {
    state = isAggregate(reducer) ? reducer.merge(state, reducer.of(chunk)) : chunk.reduce(reducer.add, state)
    chunk = []
  }
  for await (const result of results) if (chunk.push(result) >= chunkMax) flush()
  flush()
  return reducer.end(state)
}

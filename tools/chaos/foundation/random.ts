/** A seeded source of chance (mulberry32): the same seed gives the same kills in the same order. */
export type Random = {
  /** 0 <= x < 1 */
  next(): number
  /** A whole number, first and last included. */
  between(first: number, last: number): number
  pick<A>(from: readonly A[]): A
  /** `count` different ones. */
  some<A>(from: readonly A[], count: number): A[]
}

export const makeRandom = (seed: number): Random => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (first: number, last: number) => first + Math.floor(next() * (last - first + 1))
  return {
    next,
    between,
    pick: from => from[between(0, from.length - 1)] as (typeof from)[number],
    some: (from, count) =>
      from
        .map(value => ({ value, order: next() }))
        .toSorted((a, b) => a.order - b.order)
        .slice(0, count)
        .map(({ value }) => value),
  }
}

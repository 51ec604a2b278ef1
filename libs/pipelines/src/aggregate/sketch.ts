import { bump, mergeTallies, total, type OpenTally, type Tally } from './tally.ts'

/**
 * A mergeable sketch of numbers for quantiles: DDSketch (Masson, Rim, Lee: VLDB 2019). A number is counted in the bucket of its logarithm, so
 * every quantile is within 1 % of a number that was seen. Below 1e-9 a number counts as 0. At most 2,048 buckets a sign; beyond a spread of
 * 17 powers of ten the smallest are counted together. Merging adds counts: it is associative and commutative to the last bit.
 */
export type Sketch = {
  readonly zero: number
  readonly positive: Tally<number>
  readonly negative: Tally<number>
  readonly min: number | null
  readonly max: number | null
}
export type OpenSketch = { -readonly [K in keyof Sketch]: Sketch[K] } & {
  positive: OpenTally<number>
  negative: OpenTally<number>
}

export const sketchError = 0.01
const gamma = (1 + sketchError) / (1 - sketchError)
const logGamma = Math.log(gamma)
const smallest = 1e-9
const bucketsMax = 2_048

const keyOf = (size: number) => Math.ceil(Math.log(size) / logGamma)
/** The middle of a bucket, as far from one edge as from the other in proportion. */
const middleOf = (key: number) => (2 * gamma ** key) / (gamma + 1)

export const emptySketch = (): OpenSketch => ({ zero: 0, positive: [], negative: [], min: null, max: null })

export const putNumber = (sketch: OpenSketch, value: number): void => {
  if (Math.abs(value) < smallest) sketch.zero += 1
  else {
    const tally = value > 0 ? sketch.positive : sketch.negative
    bump(tally, keyOf(Math.abs(value)))
    if (tally.length > bucketsMax) collapse(tally)
  }
  sketch.min = sketch.min === null ? value : Math.min(sketch.min, value)
  sketch.max = sketch.max === null ? value : Math.max(sketch.max, value)
}

/** What has no bucket of its own counts in the lowest that is kept, which is the same whatever was merged first. */
const collapse = (tally: OpenTally<number>): OpenTally<number> => {
  const cut = tally.splice(0, Math.max(0, tally.length - bucketsMax))
  const lowest = tally[0]
  if (lowest) lowest[1] += total(cut)
  return tally
}

const either = (of: (a: number, b: number) => number, a: number | null, b: number | null) =>
  a === null ? b : b === null ? a : of(a, b)

export const mergeSketches = (a: Sketch, b: Sketch): OpenSketch => ({
  zero: a.zero + b.zero,
  positive: collapse(mergeTallies(a.positive, b.positive).map(([key, count]) => [key, count])),
  negative: collapse(mergeTallies(a.negative, b.negative).map(([key, count]) => [key, count])),
  min: either(Math.min, a.min, b.min),
  max: either(Math.max, a.max, b.max),
})

/** The number at a share of the way through all of them in order (0 the lowest, 0.5 the median, 1 the highest); null of none. */
export const quantile = (sketch: Sketch, share: number): number | null => {
  const { zero, positive, negative, min, max } = sketch
  if (min === null || max === null) return null
  if (share <= 0) return min
  if (share >= 1) return max
  const inOrder = [
    ...negative.toReversed().map(([key, count]) => [-middleOf(key), count] as const),
    [0, zero] as const,
    ...positive.map(([key, count]) => [middleOf(key), count] as const),
  ]
  const rank = share * (total(negative) + zero + total(positive) - 1)
  let passed = 0
  for (const [value, count] of inOrder) {
    passed += count
    if (passed > rank) return Math.min(max, Math.max(min, value))
  }
  return max
}

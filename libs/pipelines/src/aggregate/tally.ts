/** How often each key was seen, sorted by key. Plain JSON. */
export type Tally<K extends string | number> = readonly (readonly [key: K, count: number])[]
export type OpenTally<K extends string | number> = [key: K, count: number][]

const placeOf = <K extends string | number>(tally: Tally<K>, key: K): number => {
  let [low, high] = [0, tally.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((tally[middle] as readonly [K, number])[0] < key) low = middle + 1
    else high = middle
  }
  return low
}

/** Counts one more of the key, in the tally itself. */
export const bump = <K extends string | number>(tally: OpenTally<K>, key: K): void => {
  const at = placeOf(tally, key)
  const there = tally[at]
  if (there?.[0] === key) there[1] += 1
  else tally.splice(at, 0, [key, 1])
}

/** Two sorted lists as one; entries of the same key become what `both` makes of them. */
export const mergeSorted = <E extends readonly [string | number, unknown]>(
  a: readonly E[],
  b: readonly E[],
  both: (a: E, b: E) => E,
): E[] => {
  const merged: E[] = []
  for (let [i, j] = [0, 0]; i < a.length || j < b.length;) {
    const [x, y] = [a[i], b[j]]
    if (x && y && x[0] === y[0]) {
      merged.push(both(x, y))
      i += 1
      j += 1
    } else if (x && (!y || x[0] < y[0])) {
      merged.push(x)
      i += 1
    } else {
      merged.push(y as E)
      j += 1
    }
  }
  return merged
}

export const mergeTallies = <K extends string | number>(a: Tally<K>, b: Tally<K>): OpenTally<K> =>
  mergeSorted<[K, number]>(a as OpenTally<K>, b as OpenTally<K>, ([key, m], [, n]) => [key, m + n])

export const total = (tally: Tally<string | number>): number => tally.reduce((sum, [, count]) => sum + count, 0)

/** A range of numbers and how many were in it: from `from` on, below `to`; null is without end. */
export type Bucket = { readonly from: number | null; readonly to: number | null; readonly count: number }

const mantissas = [1, 2, 5]
const smallestPower = -9
const places = mantissas.length
/** Lower edge of bucket `n` = 1, 2, ...: 1e-9, 2e-9, 5e-9, 1e-8 and so on. Written as text first, so that the edge is the number people write. */
const edge = (n: number) => Number(`${mantissas[(n - 1) % places]}e${Math.floor((n - 1) / places) + smallestPower}`)

/** Without edges of one's own they are 1, 2, 5, 10, 20 and so on, both ways from zero; less than 1e-9 is zero. Bucket 0 is zero, -n mirrors n. */
export const seriesBucket = (value: number): number => {
  const size = Math.abs(value)
  if (size < edge(1)) return 0
  let n = Math.max(1, Math.floor(Math.log10(size) - smallestPower) * places + 1)
  while (n > 1 && edge(n) > size) n -= 1
  while (edge(n + 1) <= size) n += 1
  return value < 0 ? -n : n
}
export const seriesRange = (n: number): Omit<Bucket, 'count'> => {
  if (n === 0) return { from: 0, to: 0 }
  return n > 0 ? { from: edge(n), to: edge(n + 1) } : { from: -edge(1 - n), to: -edge(-n) }
}

/** With edges of one's own: bucket n is from edge n on, below edge n + 1. */
export const edgesBucket = (edges: readonly number[], value: number): number => edges.filter(one => one <= value).length
export const edgesRange = (edges: readonly number[], n: number): Omit<Bucket, 'count'> => ({
  from: edges[n - 1] ?? null,
  to: edges[n] ?? null,
})

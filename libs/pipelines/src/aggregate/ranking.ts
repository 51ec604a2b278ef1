import type { HostRef } from '@re-ops/protocols'

/** A host and its highest (or lowest) number. */
export type Ranked = { readonly host: HostRef; readonly value: number }
export type Order = 'top' | 'bottom'

/** The order of a ranking: by number, then by name and id, so that there is one order only. */
const compare =
  (order: Order) =>
  (a: Ranked, b: Ranked): number =>
    (order === 'top' ? b.value - a.value : a.value - b.value) ||
    Number(a.host.name > b.host.name) - Number(a.host.name < b.host.name) ||
    Number(a.host.id > b.host.id) - Number(a.host.id < b.host.id)

/**
 * The first `k` hosts of two rankings, each host once. Associative and commutative: who is among the first of all is among the first of the
 * part that has its best number.
 */
export const mergeRankings = (order: Order, k: number, a: readonly Ranked[], b: readonly Ranked[]): Ranked[] => {
  const seen = new Set<string>()
  return [...a, ...b]
    .toSorted(compare(order))
    .filter(({ host }) => !seen.has(host.id) && seen.add(host.id))
    .slice(0, k)
}

export const rank = (order: Order, k: number, ranking: Ranked[], one: Ranked): Ranked[] => {
  const last = ranking.at(-1)
  if (ranking.length >= k && last && compare(order)(last, one) <= 0) return ranking
  return mergeRankings(order, k, ranking, [one])
}

/** A function of a field, read from its name. */
export type SummaryFunction =
  | { readonly kind: 'count' | 'sum' | 'min' | 'max' | 'mean' | 'histogram'; readonly name: string }
  | { readonly kind: 'quantile'; readonly name: string; readonly share: number }
  | { readonly kind: 'buckets'; readonly name: string; readonly edges: readonly number[] | null }
  | { readonly kind: 'top' | 'bottom'; readonly name: string; readonly k: number }

/** Per field of a value (a path; lists are looked into) the functions that are asked, by name. */
export type SummarySpec = Readonly<Record<string, readonly string[]>>

export const summaryFunctions =
  'count, sum, min, max, mean, p0 to p100, histogram, buckets, buckets(a,b,c), top1 to top100, bottom1 to bottom100'
const rankedMax = 100
const edgesMax = 64
const pathsMax = 32

export class SummaryError extends Error {
  override readonly name = 'SummaryError'
}

/**
 * A function by its name. `count` of values, `sum`, `min`, `max`, `mean` of numbers; `p95` a quantile (within 1 %); `histogram` how often each
 * distinct value; `buckets` numbers by size, `buckets(10,50)` with edges of one's own; `top5` and `bottom5` the hosts with the highest and lowest.
 */
export const summaryFunction = (name: string): SummaryFunction => {
  const plain = /^(count|sum|min|max|mean|histogram)$/.exec(name)
  if (plain) return { kind: plain[1] as 'count', name }
  const share = /^p(\d{1,3}(?:\.\d{1,3})?)$/.exec(name)
  if (share && Number(share[1]) <= 100) return { kind: 'quantile', name, share: Number(share[1]) / 100 }
  const ranked = /^(top|bottom)(\d{1,3})$/.exec(name)
  if (ranked && Number(ranked[2]) >= 1 && Number(ranked[2]) <= rankedMax)
    return { kind: ranked[1] as 'top', name, k: Number(ranked[2]) }
  if (name === 'buckets') return { kind: 'buckets', name, edges: null }
  const edges = /^buckets\(([^()]*)\)$/.exec(name)?.[1]
  if (edges !== undefined) return { kind: 'buckets', name, edges: edgesOf(name, edges) }
  throw new SummaryError(`unknown function \`${name.slice(0, 64)}\`; allowed are ${summaryFunctions}`)
}

const edgesOf = (name: string, text: string): number[] => {
  const edges = text.split(',').map(Number)
  const up = edges.every((edge, n) => Number.isFinite(edge) && (n === 0 || edge > (edges[n - 1] as number)))
  if (text.split(',').some(one => one.trim() === '') || !up || edges.length > edgesMax)
    throw new SummaryError(
      `\`${name.slice(0, 64)}\`: edges are numbers that go up, at most ${edgesMax}: buckets(0.5,0.8,0.9)`,
    )
  return edges
}

/**
 * `cpu.count:sum,mean;mounts.used:p95,top3` as a summary: fields apart by `;`, functions by commas. A field alone is counted by its distinct
 * values. Throws SummaryError, which says what is allowed.
 */
export const parseSummary = (text: string): SummarySpec => {
  const fields = text.split(';').map(part => part.trim()).filter(part => part !== '') // prettier-ignore
  if (fields.length === 0 || fields.length > pathsMax)
    throw new SummaryError(`a summary has 1 to ${pathsMax} fields, such as cpu.count:sum,mean;mounts.used:p95`)
  const summary: Record<string, readonly string[]> = {}
  for (const field of fields) {
    const [path = '', functions = 'histogram', ...more] = field.split(':').map(part => part.trim())
    if (path === '' || more.length > 0 || Object.hasOwn(summary, path))
      throw new SummaryError(`\`${field.slice(0, 64)}\` is not field:function,function, each field once`)
    const names = functions.match(/[^,()]+(?:\([^()]*\))?/g)?.map(name => name.trim()) ?? []
    for (const name of names) summaryFunction(name)
    if (names.length === 0) throw new SummaryError(`\`${path}\` needs a function; allowed are ${summaryFunctions}`)
    summary[path] = names
  }
  return summary
}

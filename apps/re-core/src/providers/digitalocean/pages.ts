import { ProviderError } from '@re-ops/protocols'
import type { CallKind, DoCall } from './client.ts'

type Page = { readonly links?: { readonly pages?: { readonly next?: string } } }
type Query = Readonly<Record<string, string | number>>
/** Which list: its path, the key its items stand under, and what tells them apart (`id` unless said otherwise). */
export type Listing = { readonly path: string; readonly key: string; readonly query?: Query; readonly by?: string }

export const perPage = 200
const pagesMax = 500

/** One pass over all pages. The links are followed by their number alone: the token goes to no other address. */
const pass = async (call: DoCall, kind: CallKind, { path, key, query }: Listing, signal: AbortSignal) => {
  const items: unknown[] = []
  for (let page = 1; page <= pagesMax; page += 1) {
    const params = { ...query, page, per_page: perPage }
    const answer = await call(kind, signal, (_api, http) => http.get<Page & Record<string, unknown>>(path, { params }))
    const found = answer[key]
    if (!Array.isArray(found)) throw new ProviderError('transient', 'not-applied', `DigitalOcean sent no ${key}`)
    items.push(...found)
    if (answer.links?.pages?.next === undefined) return { items, pages: page }
  }
  throw new ProviderError('bug', 'not-applied', `more than ${pagesMax} pages of ${key}`)
}

/**
 * A whole list; a page that fails throws. Pages are cut by place, so one that goes meanwhile moves all behind it, and one of
 * those is skipped at the cut: a list of several pages is read twice, and what either pass saw counts.
 */
export const all = async <T>(call: DoCall, kind: CallKind, listing: Listing, signal: AbortSignal): Promise<T[]> => {
  const first = await pass(call, kind, listing, signal)
  const second = first.pages > 1 ? await pass(call, kind, listing, signal) : { items: [] }
  // What the answer holds is what the description says of this list.
  const items = [...first.items, ...second.items] as readonly T[]
  const idOf = (item: T): unknown => (item as Readonly<Record<string, unknown>>)[listing.by ?? 'id']
  return [...new Map(items.map(one => [idOf(one), one])).values()]
}

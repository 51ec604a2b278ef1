import type { Cloud } from './cloud.ts'

/** One request, taken apart. */
export type Call = {
  readonly cloud: Cloud
  readonly params: readonly string[]
  readonly query: URLSearchParams
  // The description has checked it (prism); what a handler reads of it, it reads as what it must be.
  readonly body: Record<string, unknown>
  /** Of the API, for links to other pages. */
  readonly base: string
}
export type Answer = { readonly status: number; readonly body?: unknown }
export type Route = {
  readonly method: string
  /** `:` stands for one part. */
  readonly path: string
  /** The name faults know it by. */
  readonly action: string
  readonly handle: (call: Call) => Answer
}

export const route = (line: string, action: string, handle: Route['handle']): Route => {
  const [method = '', path = ''] = line.split(' ')
  return { method, path, action, handle }
}

export const ok = (body: unknown): Answer => ({ status: 200, body })
export const created = (body: unknown): Answer => ({ status: 201, body })
export const accepted = (body: unknown): Answer => ({ status: 202, body })
export const nothing: Answer = { status: 204 }

const positive = (text: string | null, standard: number): number => {
  const number = Number(text ?? standard)
  return Number.isInteger(number) && number > 0 ? number : standard
}

/** One page of a list as DigitalOcean gives it: 20 unless asked for more, 200 at most, links to the others. */
export const page = ({ cloud, query, base }: Call, path: string, key: string, all: readonly unknown[]): Answer => {
  const perPage = Math.min(cloud.pageMax, positive(query.get('per_page'), 20))
  const number = positive(query.get('page'), 1)
  const last = Math.max(1, Math.ceil(all.length / perPage))
  const link = (to: number) => {
    const more = new URLSearchParams(query)
    more.set('page', String(to))
    more.set('per_page', String(perPage))
    return `${base}${path}?${more.toString()}`
  }
  const pages = {
    ...(number > 1 ? { first: link(1), prev: link(number - 1) } : {}),
    ...(number < last ? { next: link(number + 1), last: link(last) } : {}),
  }
  return ok({
    [key]: all.slice((number - 1) * perPage, number * perPage),
    links: Object.keys(pages).length > 0 ? { pages } : {},
    meta: { total: all.length },
  })
}

export type Found = { readonly route: Route; readonly params: readonly string[] }

const parts = (path: string): string[] => path.split('/').filter(part => part !== '')

/** The first route of the table that fits. */
export const findRoute = (routes: readonly Route[], method: string, path: string): Found | null => {
  const asked = parts(path)
  for (const one of routes) {
    const own = parts(one.path)
    if (one.method !== method || own.length !== asked.length) continue
    if (!own.every((part, i) => part === ':' || part === asked[i])) continue
    const params = own.flatMap((part, i) => (part === ':' ? [decodeURIComponent(asked[i] ?? '')] : []))
    return { route: one, params }
  }
  return null
}

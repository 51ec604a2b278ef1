import type { Filter } from '@aws-sdk/client-ec2'
import { refuse } from './refusal.ts'

/** The values a resource has under a filter's name; undefined = there is no such filter. */
export type Fields = (name: string) => readonly string[] | undefined

const matcher = (pattern: string) =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'su',
  )

/** All filters must match, each with one of its values; `*` and `?` as in EC2. */
export const matches = (filters: readonly Filter[] | undefined, fields: Fields): boolean =>
  (filters ?? []).every(({ Name = '', Values = [] }) => {
    const found = fields(Name) ?? refuse('InvalidParameterValue', `The filter '${Name}' is invalid`)
    return Values.some(value => found.some(one => matcher(value).test(one)))
  })

/** `tag:key`, `tag-key` and `tag-value` of a resource; null for other names. */
export const tagFields = (tags: ReadonlyMap<string, string> | undefined, name: string): readonly string[] | null => {
  if (name === 'tag-key') return [...(tags?.keys() ?? [])]
  if (name === 'tag-value') return [...(tags?.values() ?? [])]
  if (!name.startsWith('tag:')) return null
  const value = tags?.get(name.slice(4))
  return value === undefined ? [] : [value]
}

/**
 * One page. The token says after which id the next one begins, so that what is made or ends meanwhile shifts nothing.
 */
export const page = <T>(
  all: readonly T[],
  idOf: (one: T) => string,
  { MaxResults, NextToken }: { MaxResults?: number | undefined; NextToken?: string | undefined },
): { items: T[]; NextToken?: string } => {
  const after = NextToken === undefined ? null : Buffer.from(NextToken, 'base64url').toString()
  const sorted = all.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1)).filter(one => after === null || idOf(one) > after)
  const items = sorted.slice(0, MaxResults ?? 1_000)
  const last = items.at(-1)
  return items.length < sorted.length && last !== undefined
    ? { items, NextToken: Buffer.from(idOf(last)).toString('base64url') }
    : { items }
}

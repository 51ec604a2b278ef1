import type { Varies, Volatility } from '@re-ops/protocols'
import { canonical } from './canonical.ts'

/** Both forms of `varies` as one: path to how it varies. */
export const volatility = (varies: Varies = []): Readonly<Record<string, Volatility>> =>
  isList(varies) ? Object.fromEntries(varies.map(path => [path, 'any' as const])) : varies

const isList = (varies: Varies): varies is readonly string[] => Array.isArray(varies)

/** The paths that are left out when results of hosts are folded. */
export const foldedOut = (varies: Varies | undefined): readonly string[] =>
  Object.keys(volatility(varies)).filter(path => path !== '')

/** A stable field that is not equal, or a volatile one out of its tolerance. `path` is a JSON pointer. */
export type Disagreement = { readonly path: string; readonly a: unknown; readonly b: unknown }

/**
 * Where two looks at one host, by one operation, say different things: nothing when they agree. Stable fields must be equal;
 * volatile ones within their tolerance. A field with `any` may also be missing on one side.
 */
export const disagreements = (a: unknown, b: unknown, varies?: Varies): readonly Disagreement[] => {
  const how = volatility(varies)
  const compare = (one: unknown, two: unknown, pointer: string, path: string): Disagreement[] => {
    const field = how[path]
    if (field === 'any') return []
    const differs = [{ path: pointer, a: one, b: two }]
    if (typeof field === 'object' && typeof one === 'number' && typeof two === 'number')
      return within(one, two, field) ? [] : differs
    if (Array.isArray(one) && Array.isArray(two)) {
      if (one.length !== two.length) return differs
      return one.flatMap((item, n) => compare(item, two[n], `${pointer}/${n}`, path))
    }
    if (isObject(one) && isObject(two))
      return [...new Set([...Object.keys(one), ...Object.keys(two)])].flatMap(key =>
        compare(one[key], two[key], `${pointer}/${key}`, path === '' ? key : `${path}.${key}`),
      )
    return canonical(one) === canonical(two) ? [] : differs
  }
  return compare(a, b, '', '')
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const within = (a: number, b: number, { tolerance, absolute = 0 }: { tolerance: number; absolute?: number }): boolean =>
  Math.abs(a - b) <= Math.max(tolerance * Math.max(Math.abs(a), Math.abs(b)), absolute)

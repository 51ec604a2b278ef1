import { Type } from '@re-ops/pipelines'

/** Texts of inputs. None may hold a NUL (sh cannot), and one line is one line. */
type Options = { readonly description?: string; readonly examples?: readonly string[] }

const oneLine = '^[^\\u0000\\r\\n]*$'

/** An absolute path. `/a/../b` and the like mean what the host makes of them. */
export const Path = (options: Options = {}) =>
  Type.String({ pattern: '^/[^\\u0000\\r\\n]*$', maxLength: 4096, ...options })

export const Line = (options: Options = {}) => Type.String({ pattern: oneLine, maxLength: 8192, ...options })

/** Not empty, no blank, does not begin with a dash: safe as an argument of any program. */
export const Word = (options: Options = {}) =>
  Type.String({ pattern: '^[^-\\s\\u0000][^\\s\\u0000]*$', maxLength: 1024, ...options })

/** A user or group: its name, or its number. */
export const Account = (options: Options = {}) =>
  Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$', ...options })

export const Mode = (options: Options = {}) =>
  Type.String({ pattern: '^[0-7]{3,4}$', description: 'permissions in octal', examples: ['0644'], ...options })

/** As `stat -c %a` writes it: without leading zeros. */
export const plainMode = (mode: string | undefined): string | undefined =>
  mode === undefined ? undefined : Number.parseInt(mode, 8).toString(8)

export const lines = (text: string | undefined): string[] => (text ?? '').split('\n').filter(line => line !== '')

/** Lines of fields between tabs; each has exactly so many, a tab in the last one stays. Others are an error: they were not ours. */
export const tabbed = (text: string | undefined, count: number): string[][] =>
  lines(text).map(line => {
    const fields = line.split('\t')
    if (fields.length < count) throw new Error(`expected ${count} fields in ${JSON.stringify(line.slice(0, 80))}`)
    return [...fields.slice(0, count - 1), fields.slice(count - 1).join('\t')]
  })

/** A whole number in a field, or null when there is none (`-`, empty). */
export const numberOrNull = (text: string | undefined): number | null =>
  text !== undefined && /^-?\d+$/.test(text) ? Number(text) : null

/** Seconds since 1970, as in `stat -c %Y`. */
export const isoTime = (seconds: string | undefined): string => {
  if (seconds === undefined || !/^-?\d+$/.test(seconds)) throw new Error(`no time in ${JSON.stringify(seconds)}`)
  return new Date(Number(seconds) * 1000).toISOString()
}

/** One of these words. */
export const oneOf = <const V extends readonly string[]>(values: V, options: { readonly description?: string } = {}) =>
  Type.Unsafe<V[number]>({ type: 'string', enum: values, ...options })

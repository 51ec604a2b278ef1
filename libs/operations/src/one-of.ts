import { Type } from '@re-ops/pipelines'

/** One of a few texts: the union of their literals, which a mapped list of them would not be to the compiler. */
export const oneOf = <const T extends readonly string[]>(
  values: T,
  options: { readonly description?: string; readonly examples?: readonly string[] } = {},
) =>
  Type.Unsafe<T[number]>(
    Type.Union(
      values.map(value => Type.Literal(value)),
      options,
    ),
  )

/** The one of a few texts that this is; parse functions may throw. */
export const among = <const T extends readonly string[]>(
  values: T,
  text: string | undefined,
  what: string,
): T[number] => {
  const found = values.find(value => value === text)
  if (found === undefined) throw new Error(`no ${what} in the output`)
  return found
}

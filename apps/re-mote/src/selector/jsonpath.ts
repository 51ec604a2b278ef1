import { isPlace, numberOf } from '@re-ops/protocols'

/**
 * JSON paths of Postgres, in its lax mode: a step looks into a list, and so does a comparison, one level each, which is what selectors mean by
 * a fact's path. Strings are written so that nothing of a key or a value can end them.
 */
const quoted = (text: string): string => JSON.stringify(text.toWellFormed())

/** A fact's path; several where a part may be a place in a list as well as a key. */
const pathsTo = (keys: readonly string[]): string[] =>
  keys.reduce<string[]>(
    (paths, key) =>
      paths.flatMap(path => [
        `${path}.${quoted(key)}`,
        ...(isPlace(key) ? [`${path}[${key}]`] : []),
        ...(key === 'length' ? [`${path}.size()`] : []),
      ]),
    ['$'],
  )

/** Queries for what is there, and for the `id` of what is there, one value at a time. */
export const valuesPaths = (keys: readonly string[]): string[] =>
  [...pathsTo(keys), ...pathsTo([...keys, 'id'])].map(path => `${path}[*]`)

/** A predicate: one of the plain values is there. An index on all paths and values answers it. */
export const factPath = (keys: readonly string[], values: readonly string[]): string =>
  [...pathsTo(keys), ...pathsTo([...keys, 'id'])]
    .flatMap(path => values.flatMap(literals).map(literal => `${path} == ${literal}`))
    .join(' || ')

/** A value is text to a selector; a fact may be text, a number or a truth value. */
const literals = (value: string): string[] => {
  const number = numberOf(value)
  const truth = value === 'true' || value === 'false' ? [value] : []
  return [quoted(value), ...truth, ...(number === null ? [] : [JSON.stringify(number)])]
}
/** The same of a label, which is text always. */
export const labelPath = (key: string, values: readonly string[]): string =>
  values.map(value => `$.${quoted(key)} == ${quoted(value)}`).join(' || ')

import { nearest, inShort } from '../nearest.ts'
import { SummaryError } from './functions.ts'
import { fieldPath } from './values-at.ts'

/** As much of JSON Schema as says which fields a value has. */
type Shape = {
  readonly type?: unknown
  readonly const?: unknown
  readonly enum?: unknown
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: unknown
  readonly patternProperties?: object
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
}
const scalars: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'null']

/** Whether a value that fits may have something at the path; where the schema leaves it open, it may. */
const mayHave = (shape: Shape, path: readonly string[]): boolean => {
  const [key, ...rest] = path
  if (key === undefined) return true
  const choices = shape.anyOf ?? shape.oneOf
  if (choices) return choices.some(one => mayHave(one, path))
  if (shape.type === 'array') return mayHave(shape.items ?? {}, path)
  if (shape.const !== undefined || shape.enum !== undefined || scalars.includes(shape.type)) return false
  const { properties } = shape
  if (properties === undefined) return true
  const field = Object.hasOwn(properties, key) ? properties[key] : undefined
  if (field) return mayHave(field, rest)
  return shape.patternProperties !== undefined || (shape.additionalProperties ?? false) !== false
}

/** The paths of all fields that the schema names, lists looked into. */
const namedIn = (shape: Shape): string[] => {
  const choices = shape.anyOf ?? shape.oneOf
  if (choices) return [...new Set(choices.flatMap(namedIn))]
  if (shape.type === 'array') return namedIn(shape.items ?? {})
  return Object.entries(shape.properties ?? {}).flatMap(([name, one]) => {
    const inner = namedIn(one)
    return inner.length === 0 ? [name] : inner.map(path => `${name}.${path}`)
  })
}

/**
 * Throws SummaryError when nothing that `operation` gives, by the schema of its `output`, has a field at `path` (as people
 * write it): it would come to nothing on every host. It names the fields that there are.
 */
export const checkField = (operation: { readonly name: string; readonly output: object }, path: string): void => {
  const field = fieldPath(path)
  const { name, output } = operation
  if (field === '.' || mayHave(output, field.split('.'))) return
  const fields = namedIn(output)
  if (fields.length === 0) throw new SummaryError(`${name} gives no fields, so not ${path}; \`.\` is its value`)
  const meant = nearest(field, fields)
  const hint = meant === null ? '.' : `; did you mean ${meant}?`
  throw new SummaryError(`${name} gives no field ${path}${hint} It has ${inShort(fields, field).join(', ')}`)
}

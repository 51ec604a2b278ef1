import type { TSchema } from 'typebox'

/** One thing that does not fit: `path` is a JSON pointer into the value ('' is the value itself). */
export type FieldError = { readonly path: string; readonly message: string }

/** An error as the schema compiler gives it. */
type Found = {
  readonly keyword: string
  readonly schemaPath: string
  readonly instancePath: string
  readonly params: object
  readonly message: string
}
type Shape = {
  readonly properties?: object
  readonly patternProperties?: object
  readonly oneOf?: readonly { readonly required?: readonly string[] }[]
  readonly anyOf?: readonly { readonly const?: unknown; readonly required?: readonly string[] }[]
  readonly description?: string
}

const shapeAt = (schema: TSchema, schemaPath: string): Shape => {
  let found: unknown = schema
  for (const part of schemaPath.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[name] : undefined
  }
  return typeof found === 'object' && found !== null ? found : {}
}

const oneOfThese = (words: readonly unknown[]): string => `must be one of ${words.map(String).join(', ')}`
const constantsOf = ({ anyOf = [] }: Shape): readonly unknown[] =>
  anyOf.every(one => one.const !== undefined) ? anyOf.map(one => one.const) : []

/** Sets of fields of which one must be given: `anyOf` of nothing but `required`. */
const alternativesOf = ({ anyOf = [] }: Shape): readonly (readonly string[])[] =>
  anyOf.every(one => one.required !== undefined && Object.keys(one).length === 1)
    ? anyOf.map(one => one.required ?? [])
    : []

/** What does not fit, in words that name what is allowed: the compiler's own say "schema is false" and the like. */
export const fieldErrors = (schema: TSchema, errors: readonly Found[]): FieldError[] =>
  errors.flatMap(({ keyword, schemaPath, instancePath: path, params, message }) => {
    const shape = shapeAt(schema, schemaPath)
    // Told once, by the object, the choice or the union around it.
    const parent = shapeAt(schema, schemaPath.replace(/\/anyOf\/\d+$/, ''))
    if (keyword === 'boolean' || schemaPath.includes('/oneOf/')) return []
    if (keyword === 'const' && parent.anyOf !== undefined && constantsOf(parent).length > 0) return []
    if (keyword === 'required' && parent !== shape && alternativesOf(parent).length > 0) return []
    switch (keyword) {
      case 'additionalProperties': {
        const patterns = Object.keys(shape.patternProperties ?? {}).map(one => `names like ${one}`)
        const known = [...Object.keys(shape.properties ?? {}), ...patterns].join(', ')
        const { additionalProperties = [] } = params as { additionalProperties?: readonly string[] }
        return additionalProperties.map(name => ({
          path: `${path}/${name}`,
          message: `unknown field; allowed are ${known || 'none'}`,
        }))
      }
      case 'oneOf': {
        const names = (shape.oneOf ?? []).flatMap(one => one.required ?? [])
        return [{ path, message: names.length > 0 ? `needs exactly one of ${names.join(', ')}` : message }]
      }
      case 'anyOf': {
        const words = constantsOf(shape)
        const fields = alternativesOf(shape).map(names => names.join(' and '))
        if (fields.length > 0) return [{ path, message: `needs ${fields.join(', or ')}` }]
        return [{ path, message: words.length > 0 ? oneOfThese(words) : message }]
      }
      case 'enum':
        return [{ path, message: oneOfThese((params as { allowedValues?: readonly unknown[] }).allowedValues ?? []) }]
      case 'pattern':
        return [{ path, message: shape.description ? `${message} (${shape.description})` : message }]
      default:
        return [{ path, message }]
    }
  })

import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** One thing that does not fit: `path` is a JSON pointer into the value ('' is the value itself). */
export type SchemaError = { readonly path: string; readonly message: string }
export type Check = (value: unknown) => readonly SchemaError[]

const errorsMax = 8
type Fields = { properties?: object; patternProperties?: object; oneOf?: readonly { required?: readonly string[] }[] }

const fieldsAt = (schema: TSchema, schemaPath: string): Fields => {
  let found: unknown = schema
  for (const part of schemaPath.split('/').slice(1))
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[part] : undefined
  return found ?? {}
}

/**
 * A checker of one schema, compiled on first use. It answers what does not fit, in words: where, what is wrong, what is
 * allowed; nothing when the value fits. Never throws, whatever the value is.
 */
export const makeCheck = (schema: TSchema): Check => {
  let compiled: ReturnType<typeof Compile> | undefined
  const words = (error: {
    keyword: string
    schemaPath: string
    instancePath: string
    params: object
    message: string
  }) => {
    const { keyword, instancePath: path, schemaPath, params } = error
    const fields = fieldsAt(schema, schemaPath)
    if (keyword === 'boolean' || schemaPath.includes('/oneOf/')) return []
    if (keyword === 'additionalProperties') {
      const patterns = Object.keys(fields.patternProperties ?? {})
      const known = [...Object.keys(fields.properties ?? {}), ...patterns.map(one => `names like ${one}`)].join(', ')
      const unknown = (params as { additionalProperties?: readonly string[] }).additionalProperties ?? []
      return unknown.map(name => ({
        path: `${path}/${name}`,
        message: `unknown field; allowed are ${known || 'none'}`,
      }))
    }
    if (keyword === 'oneOf') {
      const names = (fields.oneOf ?? []).flatMap(one => one.required ?? [])
      return [{ path, message: names.length > 0 ? `needs exactly one of ${names.join(', ')}` : error.message }]
    }
    if (keyword === 'enum') {
      const { allowedValues = [] } = params as { allowedValues?: readonly unknown[] }
      return [{ path, message: `must be one of ${allowedValues.map(String).join(', ')}` }]
    }
    return [{ path, message: error.message }]
  }
  return value => {
    try {
      compiled ??= Compile(schema)
      if (compiled.Check(value)) return []
      const found = compiled.Errors(value).flatMap(words).slice(0, errorsMax)
      return found.length > 0 ? found : [{ path: '', message: 'does not fit the schema' }]
    } catch (error) {
      if (error instanceof RangeError) return [{ path: '', message: 'is nested too deeply' }]
      throw error
    }
  }
}

/** `/path message; /path message`, for one line. */
export const errorLine = (errors: readonly SchemaError[]): string =>
  errors.map(({ path, message }) => (path === '' ? message : `${path} ${message}`)).join('; ')

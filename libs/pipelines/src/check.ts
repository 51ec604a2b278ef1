import { fieldErrors, type FieldError } from '@re-ops/protocols/field-error'
import { makeValidator } from '@re-ops/protocols/validator'
import type { TSchema } from 'typebox'

/** One thing that does not fit: `path` is a JSON pointer into the value ('' is the value itself). */
export type SchemaError = FieldError
export type Check = (value: unknown) => readonly SchemaError[]

const errorsMax = 8

/**
 * A checker of one schema; nothing is made of it before the first use. It answers what does not fit, in words: where, what is wrong, what is
 * allowed; nothing when the value fits. Never throws, whatever the value is.
 */
export const makeCheck = (schema: TSchema): Check => {
  const validator = makeValidator(schema)
  return value => {
    try {
      if (validator.check(value)) return []
      const found = fieldErrors(schema, validator.errors(value)).slice(0, errorsMax)
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

import { fieldErrors, type FieldError } from '@re-ops/protocols'
import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { HttpProblem } from '../problem.ts'

const errorsMax = 20

/** Whether there is anything to fill in: looking for it in each body takes longer than checking the body. */
const hasDefaults = (schema: unknown): boolean =>
  typeof schema === 'object' &&
  schema !== null &&
  ('default' in schema || Object.values(schema).some(part => hasDefaults(part)))

/** Typebox throws where a record allows no other keys and there is one; the check that follows names that key. */
const withDefaults = (schema: TSchema, data: unknown): unknown => {
  try {
    return Value.Default(schema, data)
  } catch (error) {
    if (error instanceof TypeError) return data
    throw error
  }
}

/**
 * Bodies are checked as they are; texts of query and path are first turned into the numbers and booleans their schema wants.
 * Errors carry the path of the field (`/body/labels/role`) and never the value, which may be a secret.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema)
  const fill = hasDefaults(schema) ? withDefaults : (_: TSchema, data: unknown) => data
  const part = httpPart === 'querystring' ? 'query' : (httpPart ?? 'body')
  const prepare = (data: unknown): unknown => {
    if (part === 'body') return fill(schema, data)
    return part === 'headers' ? data : Value.Convert(schema, fill(schema, data))
  }
  const refuse = (errors: readonly FieldError[]): { error: Error } => {
    const first = errors[0] ?? { path: `/${part}`, message: 'does not fit' }
    return {
      error: new HttpProblem(400, `invalid-${part}`, `Invalid ${part}`, `${first.path} ${first.message}`, { errors }),
    }
  }
  return (data: unknown) => {
    try {
      const value = prepare(data)
      if (check.Check(value)) return { value }
      return refuse(
        fieldErrors(schema, check.Errors(value))
          .slice(0, errorsMax)
          .map(e => ({ path: `/${part}${e.path}`, message: e.message })),
      )
    } catch (error) {
      if (error instanceof RangeError) return refuse([{ path: `/${part}`, message: 'is nested too deeply' }])
      throw error
    }
  }
}

import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import type { Validator } from './validator.ts'

/**
 * Walks the schema at each check: for the agent, which judges few messages, and where the compiler would cost 1 MB of
 * every host. Taken instead of validator.ts by the condition `agent` of package.json.
 */
export const makeValidator = (schema: TSchema): Validator => ({
  check: value => Check(schema, value),
  errors: value => Errors(schema, value),
})

import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Errors } from 'typebox/value'

/** Judges values by one schema. May throw RangeError on a value that nests too deeply. */
export type Validator = { check(value: unknown): boolean; errors(value: unknown): ReturnType<typeof Errors> }

/** Compiled on first use: that takes milliseconds once and makes each check some ten times faster, as services need it. */
export const makeValidator = (schema: TSchema): Validator => {
  let compiled: ReturnType<typeof Compile> | undefined
  const validator = () => (compiled ??= Compile(schema))
  return { check: value => validator().Check(value), errors: value => validator().Errors(value) }
}

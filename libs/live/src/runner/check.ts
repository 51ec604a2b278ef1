import { createContext, Script, type Context } from 'node:vm'
import { errorLine, type SchemaError } from '@re-ops/pipelines'
import { fieldErrors } from '@re-ops/protocols/field-error'
import { schemaProblem } from '@re-ops/protocols'
import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'

/** Generous, because on a busy machine a sound check may be kept waiting. */
const checkWithinMs = 1_000
const errorsMax = 8

/** What may take long, however small the schema is: patterns may never end, references go round, `uniqueItems` is quadratic. */
const costly = new Set(['pattern', 'patternProperties', 'format', '$ref', '$dynamicRef', 'uniqueItems'])
const isCostly = (part: unknown): boolean =>
  typeof part === 'object' &&
  part !== null &&
  Object.entries(part).some(([key, value]) => costly.has(key) || isCostly(value))

/** Most values fit, and to say so takes less than to look for what does not. */
const errorsOf = (schema: object, value: unknown): readonly SchemaError[] =>
  Check(schema as TSchema, value) ? [] : fieldErrors(schema, Errors(schema as TSchema, value)).slice(0, errorsMax)

/**
 * What of a value does not fit a schema that came from outside (and has passed schemaProblem). It is interpreted, no code is
 * made from it; one that may take long is stopped after a second, which is then the error. Never throws.
 */
export const checkLive = (schema: object, value: unknown): readonly SchemaError[] => {
  try {
    return isCostly(schema) ? within(() => errorsOf(schema, value)) : errorsOf(schema, value)
  } catch (error) {
    const late = (error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    const why = late ? `takes longer than ${checkWithinMs} ms to check` : 'cannot be checked: the schema is not sound'
    return [{ path: '', message: why }]
  }
}

/** Why a schema is refused before it is stored, or null. */
export const liveSchemaProblem = (schema: object): string | null => {
  const why = schemaProblem(schema)
  if (why !== null) return why
  try {
    within(() => Errors(schema as TSchema, null))
    return null
  } catch (error) {
    return `is not a sound schema: ${error instanceof Error ? error.message.slice(0, 200) : 'it cannot be checked'}`
  }
}

export { errorLine }

/** A script with a time limit also stops what it calls, regular expressions included. Made on first use: most agents never need it. */
const makeStopwatch = () => {
  let made: { readonly context: Context; readonly script: Script } | undefined
  return <A>(run: () => A): A => {
    made ??= { context: createContext({}), script: new Script('run()') }
    made.context['run'] = run
    return made.script.runInContext(made.context, { timeout: checkWithinMs }) as A
  }
}
const within = makeStopwatch()

import { createContext, Script, type Context } from 'node:vm'
import { errorLine, type SchemaError } from '@re-ops/pipelines'
import { fieldErrors } from '@re-ops/protocols/field-error'
import { schemaProblem } from '@re-ops/protocols'
import type { TSchema } from 'typebox'
import { Errors } from 'typebox/value'

const checkWithinMs = 100
const errorsMax = 8

/**
 * What of a value does not fit a schema that came from outside. Such a schema may hold a pattern that never ends, or refer to
 * itself: it is interpreted (no code is made from it) and stopped after 100 ms, which is then the error. Never throws.
 */
export const checkLive = (schema: object, value: unknown): readonly SchemaError[] => {
  try {
    return within(() => fieldErrors(schema as TSchema, Errors(schema as TSchema, value)).slice(0, errorsMax))
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

import {
  checkLive,
  errorLine,
  readShellParts,
  shellOf,
  type Answer,
  type Asked,
  type Runners,
} from '@re-ops/live/runner'
import type { SignedModule } from '@re-ops/protocols'
import { CallFault, failed } from '../execute/failed.ts'
import type { Call, Found, SpawnedBy } from '../execute/found.ts'

/**
 * An operation of a module as the executor takes it: the functions run in the module's process, a command of its shell form
 * is spawned by the executor as any other's.
 */
export const foundIn = (runners: Runners, module: SignedModule, call: Call): Found | null => {
  const operation = module.operations.find(one => one.name === call.operation)
  if (!operation) return null
  const { name, input, output, reads, forms } = operation
  const errorsOf = (schema: object) => (value: unknown) => {
    const errors = checkLive(schema, value)
    return errors.length === 0 ? null : errorLine(errors)
  }
  const ask = (question: Asked, { signal, onSpawn }: SpawnedBy) => runners.ask(module, question, signal, onSpawn)
  const common = { reads, inputError: errorsOf(input), outputError: errorsOf(output) }
  if (forms.includes('native'))
    return {
      ...common,
      native: async (value, by) => valueOf(call, await ask({ ask: 'native', name, input: value }, by), 'exit', ''),
    }
  return {
    ...common,
    plan: async by => {
      const planned = await ask({ ask: 'plan', name, input: call.input }, by)
      const parts = readShellParts(valueOf(call, planned, 'invalid', 'the operation cannot be prepared: '))
      if (typeof parts === 'string') throw new CallFault(failed(call, 'invalid', parts, { started: 'no' }))
      return shellOf(parts, async (result, value) =>
        valueOf(
          call,
          await ask({ ask: 'parse', name, input: value, result }, by),
          'invalid',
          'cannot read the output: ',
        ),
      )
    },
  }
}

/** The value of an answer. An abort is told by whoever watches the signal; here it is only an end. */
const valueOf = (call: Call, answer: Answer, kind: 'exit' | 'invalid', prefix: string): unknown => {
  switch (answer.kind) {
    case 'value':
      return answer.value
    case 'threw':
      throw new CallFault(failed(call, kind, `${prefix}${answer.message}`))
    case 'aborted':
      throw new CallFault(failed(call, 'exit', 'it was aborted'))
    case 'ended': {
      const { message, signal, stderrTail } = answer
      const more = { ...(signal === undefined ? {} : { signal }), ...(stderrTail === '' ? {} : { stderrTail }) }
      throw new CallFault(failed(call, 'exit', `the process of its module ended: ${message}`, more))
    }
  }
}

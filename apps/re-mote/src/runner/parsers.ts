import {
  errorLine,
  checkLive,
  makeRunners,
  readShellParts,
  shellOf,
  type Answer,
  type Asked,
} from '@re-ops/live/runner'
import { parseShell, planShell, type ShellPlan } from '@re-ops/operations'
import type { AnyOperation } from '@re-ops/pipelines'
import type { CallResult, HostRef, ModuleContent, ShellResult } from '@re-ops/protocols'

/** A module as it is stored: what the service took in, checked and signed. */
export type StoredModule = ModuleContent & { readonly hash: string }
/**
 * Live operations over a transport that only spawns commands (SSH). The functions of a module run in runner processes, one per
 * module, without files, network, processes or any part of the service's environment; never in the service.
 */
export type Parsers = {
  /** What to spawn for a call, or the answer that says why nothing can be. */
  planOf(module: StoredModule, operation: string, input: unknown): Promise<ShellPlan | Failed>
  /** What a command left, as the answer to the call. */
  parseOf(module: StoredModule, operation: string, input: unknown, result: ShellResult): Promise<CallResult>
  /** What the callback at a place in the module says to a result so far. */
  codeOf(module: StoredModule, at: string, so: CallbackAsked): Promise<CallResult>
  /** The module was revoked. */
  drop(hashes: readonly string[]): void
  close(): void
}
/** What a callback is told. */
export type CallbackAsked = { readonly host: HostRef; readonly ms: number; readonly value: unknown }
export type Failed = Extract<CallResult, { ok: false }>

const withinMs = 10_000
const failed = (kind: Failed['failure']['kind'], step: string, message: string, started?: 'no'): Failed => ({
  ok: false,
  failure: { kind, step, message: message.slice(0, 2_000), ...(started ? { started } : {}) },
})
/** Why there is no value, in words. */
const whyNot = (answer: Exclude<Answer, { kind: 'value' }>): string =>
  answer.kind === 'aborted' ? `not done after ${withinMs} ms; its process was killed` : answer.message

export const makeParsers = (): Parsers => {
  const runners = makeRunners({ closed: true, env: {} })
  const ask = (module: StoredModule, question: Asked) => runners.ask(module, question, AbortSignal.timeout(withinMs))
  const named = (module: StoredModule, name: string) => module.operations.find(one => one.name === name)

  const partsOf = async (module: StoredModule, name: string, input: unknown) => {
    const operation = named(module, name)
    const refuse = (why: string) => failed('rejected', name, why, 'no')
    if (!operation) return refuse(`module ${module.hash} has no operation ${name}`)
    if (!operation.forms.includes('shell')) return refuse('it has no shell form: needs an agent')
    const errors = checkLive(operation.input, input)
    if (errors.length > 0) return failed('invalid', name, `input ${errorLine(errors)}`, 'no')
    const answer = await ask(module, { ask: 'plan', name, input })
    const parts = answer.kind === 'value' ? readShellParts(answer.value) : whyNot(answer)
    return typeof parts === 'string'
      ? failed('invalid', name, `the operation cannot be prepared: ${parts}`, 'no')
      : parts
  }
  /** The catalogue's own functions do the rest, with an operation that knows the answers already. */
  const operationOf = (name: string, shell: unknown, checkOutput: AnyOperation['checkOutput']): AnyOperation =>
    ({ name, doc: '', input: {}, output: {}, repeat: 'once', shell, checkInput: () => [], checkOutput }) as never

  return {
    planOf: async (module, name, input) => {
      const parts = await partsOf(module, name, input)
      if ('ok' in parts) return parts
      return planShell(
        operationOf(
          name,
          shellOf(parts, () => null),
          () => [],
        ),
        input,
      )
    },
    parseOf: async (module, name, input, result) => {
      const parts = await partsOf(module, name, input)
      if ('ok' in parts) return parts
      const good = (parts.okCodes ?? [0]).includes(result.code)
      const answer = good ? await ask(module, { ask: 'parse', name, input, result }) : null
      const parse = () => {
        if (answer?.kind === 'value') return answer.value
        throw new Error(answer ? whyNot(answer) : '')
      }
      const output = named(module, name)?.output ?? {}
      return parseShell(
        operationOf(name, shellOf(parts, parse), value => checkLive(output, value)),
        input,
        result,
      )
    },
    codeOf: async (module, at, so) => {
      const answer = await ask(module, { ask: 'code', name: at, input: so })
      return answer.kind === 'value'
        ? { ok: true, value: answer.value }
        : failed('invalid', at, `the callback at ${at}: ${whyNot(answer)}`)
    },
    drop: hashes => runners.drop(hashes, 'killed: the module was revoked'),
    close: runners.close,
  }
}

import { jsonBytes, type Outputs } from '@re-ops/outputs'
import { errorLine, type AnyOperation } from '@re-ops/pipelines'
import {
  wireLimits,
  type call,
  type CallResult,
  type Native,
  type OperationSpec,
  type Shell,
  type ShellResult,
} from '@re-ops/protocols'
import type { Static } from 'typebox'
import type { Talk } from '../command.ts'
import { failed } from './failed.ts'

/** The body of a `call` message. */
export type Call = Static<typeof call.body>
/** The agent's view of an operation: what its parts take is checked against its schemas before they are called. */
export type AgentOperation = OperationSpec & Pick<AnyOperation, 'checkInput' | 'checkOutput'>
export type Catalogue = {
  operationNamed(name: string): AgentOperation | undefined
  readonly natives: ReadonlyMap<string, Native<never, unknown>>
}
export type SpawnedBy = {
  readonly signal: AbortSignal
  readonly onSpawn: (pid: number) => void
  /** Takes what a process writes, and keeps it when it is longer than the result. */
  readonly outputs: Outputs
  /** For a shell form that talks about contents: over the wire, made by the first who needs it. */
  readonly talk?: () => Promise<Talk>
}
/** A shell form whose parser may take its time: that of a live module runs in a process of its own. */
export type AnyShell = Omit<Shell<never, unknown>, 'parse'> & {
  parse(result: ShellResult, input: unknown): unknown
} & ({ command(input: never): readonly string[] } | { script(input: never): string })
/** What a call names, ready to be done: of the catalogue, or of a live module. One of native, shell and plan is there. */
export type Found = {
  readonly reads: boolean
  /** `/path what is wrong`, or null. */
  inputError(value: unknown): string | null
  outputError(value: unknown): string | null
  native?(input: unknown, by: SpawnedBy): Promise<unknown>
  readonly shell?: AnyShell
  plan?(by: SpawnedBy): Promise<AnyShell>
}

/** What was found before, by catalogue and name. */
const foundBefore = new WeakMap<Catalogue, Map<string, Found>>()

/** The operation of the catalogue that a call names, or the answer that refuses it. */
export const findOperation = (catalogue: Catalogue, call: Call): Found | CallResult => {
  const before = foundBefore.get(catalogue) ?? new Map<string, Found>()
  foundBefore.set(catalogue, before)
  const known = before.get(call.operation)
  if (known) return known
  const found = lookUp(catalogue, call)
  if (!('ok' in found)) before.set(call.operation, found)
  return found
}

const lookUp = (catalogue: Catalogue, call: Call): Found | CallResult => {
  const operation = catalogue.operationNamed(call.operation)
  const native = catalogue.natives.get(call.operation)
  if (!operation) return failed(call, 'rejected', `the agent has no operation ${call.operation}`, { started: 'no' })
  const { shell } = operation
  if (!shell && !native)
    return failed(call, 'rejected', `the agent has no native form of ${call.operation}`, { started: 'no' })
  const errorOf = (check: AgentOperation['checkInput'], begin: string) => (value: unknown) => {
    const errors = check(value)
    return errors.length === 0 ? null : `${begin}${errorLine(errors)}`
  }
  return {
    reads: operation.reads === true,
    inputError: errorOf(operation.checkInput, ''),
    outputError: errorOf(operation.checkOutput, ''),
    ...(native ? { native: (value, { signal }) => native(value as never, { signal }) } : {}),
    ...(shell ? { shell: shell as AnyShell } : {}),
  }
}

/** Whether the input may be given to it: `null`, or the answer that refuses the call. */
export const refusalOf = (found: Found, call: Call): CallResult | null => {
  const size = jsonBytes(call.input)
  if (size > wireLimits.inputBytesMax)
    return failed(call, 'invalid', `input has ${size} bytes; at most ${wireLimits.inputBytesMax} are allowed`, {
      started: 'no',
    })
  const error = found.inputError(call.input)
  return error === null ? null : failed(call, 'invalid', `input${error}`, { started: 'no' })
}

/** Room that the result of this call may take, in bytes as JSON. */
export const resultBytesMax = (call: Call): number =>
  Math.min(2 * Math.min(call.outputBytesMax, wireLimits.outputBytesMax) + 65_536, wireLimits.messageBytesMax - 4096)

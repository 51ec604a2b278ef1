import { constants, userInfo } from 'node:os'
import { brokenWords, cutWords, exitWords, scriptCommand, unreadableWords, wrapScript } from '@re-ops/operations'
import { fitted, jsonBytes, makeCollector, type Outputs } from '@re-ops/outputs'
import { errorLine, type AnyOperation } from '@re-ops/pipelines'
import {
  wireLimits,
  type call,
  type CallResult,
  type Failure,
  type FailureKind,
  type Native,
  type OperationSpec,
  type Shell,
  type ShellResult,
} from '@re-ops/protocols'
import type { Static } from 'typebox'
import { runCommand, type CommandEnd, type Talk } from './command.ts'
import { killLeftovers } from './leftovers.ts'
import { errorText } from './log.ts'

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
/** A failure with all that is known of it, on its way up. */
export class CallFault extends Error {
  override readonly name = 'CallFault'
  readonly result: CallResult
  constructor(result: CallResult) {
    super(result.ok ? '' : result.failure.message)
    this.result = result
  }
}
/** By name: live modules are a program text of their own, with a class of their own. */
const isCallFault = (error: unknown): error is CallFault => error instanceof Error && error.name === 'CallFault'
export type AbortReason = 'timeout' | 'cancelled' | 'stopping' | 'memory'

const stderrTailChars = 4096

export const failed = (call: Call, kind: FailureKind, message: string, more: Partial<Failure> = {}): CallResult => ({
  ok: false,
  failure: { kind, message: message.slice(0, 2000), step: call.operation, callId: call.id, transport: 'zmq', ...more },
})

/** The operation of the catalogue that a call names, or the answer that refuses it. */
export const findOperation = (catalogue: Catalogue, call: Call): Found | CallResult => {
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

/** What commands see of the agent's environment: enough to work, nothing that could hold a secret. */
const passed = /^(PATH|HOME|USER|LOGNAME|SHELL|TZ|TMPDIR|LANG|LC_[A-Z]+|XDG_RUNTIME_DIR)$/
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
export const baseEnvironment = (): Record<string, string> => {
  const kept = Object.entries(process.env).filter(([name, value]) => passed.test(name) && value !== undefined)
  return { PATH: defaultPath, ...(Object.fromEntries(kept) as Record<string, string>) }
}

const aborted = (
  call: Call,
  signal: AbortSignal,
  timeoutMs: number,
  { stderr = '', ...kept }: { readonly stderr?: string; readonly outputRef?: string } = {},
): CallResult => {
  const tail = { ...(stderr === '' ? {} : { stderrTail: stderr.slice(-stderrTailChars) }), ...kept }
  const reason = signal.reason as AbortReason
  if (reason === 'timeout')
    return failed(call, 'timeout', `not done after ${timeoutMs} ms; its process group was killed`, {
      ...tail,
      started: 'yes',
    })
  if (reason === 'cancelled')
    return failed(call, 'cancelled', 'cancelled; its process group was killed', { ...tail, started: 'yes' })
  if (reason === 'memory') {
    const message =
      'it used more memory than commandMemoryBytesMax of the policy of this host; its process group was killed'
    return failed(call, 'exit', message, { ...tail, signal: 'SIGKILL', started: 'yes' })
  }
  return failed(call, 'lost', 'the agent stopped while it ran; its process group was killed', {
    ...tail,
    started: 'yes',
  })
}

const ended = async (
  call: Call,
  shell: AnyShell,
  end: Extract<CommandEnd, { stdout: string }>,
  outputs: Outputs,
): Promise<CallResult> => {
  const input = call.input as never
  const tail = end.stderr.slice(-stderrTailChars)
  const { stdout, stderr, truncated, ...kept } = await fitted(outputs, call.id, end)
  const more = { ...(tail === '' ? {} : { stderrTail: tail }), ...kept }
  const { signal } = end
  if (signal !== null)
    return failed(call, 'exit', `killed by ${signal}`, { signal, code: 128 + constants.signals[signal], ...more })
  const code = end.code ?? 0
  if (!(shell.okCodes?.(input) ?? [0]).includes(code))
    return failed(call, 'exit', exitWords({ code, stderr: end.stderr }), { code, ...more })
  try {
    return { ok: true, value: await shell.parse({ stdout, stderr, code, truncated, ...kept }, input) }
  } catch (error) {
    if (isCallFault(error)) return error.result
    const cut = truncated ? cutWords : ''
    return failed(call, 'invalid', `${unreadableWords(error)}${cut}`, { code, ...more })
  }
}

const asUser = (call: Call, shell: AnyShell, argv: readonly string[], env: Readonly<Record<string, string>>) => {
  const user = shell.become?.(call.input as never)?.user
  if (user === undefined || user === userInfo().username) return argv
  // sudo clears the environment, so ours goes through `env`.
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  return ['sudo', '-n', '-u', user, '--', 'env', ...pairs, ...argv]
}

/** What a killed command could not remove itself. It is short, and nobody waits longer for it than for the kill. */
const cleanUp = async (call: Call, shell: AnyShell): Promise<void> => {
  const script = shell.afterKill?.(call.input as never)
  if (script === undefined) return
  const argv = asUser(call, shell, ['sh', '-c', script], {})
  const signal = AbortSignal.timeout(cleanUpMs)
  await runCommand({
    argv,
    env: baseEnvironment(),
    cwd: '/',
    stdin: undefined,
    streams: { stdout: makeCollector(0), stderr: makeCollector(0) },
    signal,
    onSpawn: () => undefined,
  })
}
const cleanUpMs = 3_000

const commandOf = (call: Call, shell: AnyShell) => {
  const input = call.input as never
  const env = { ...shell.env?.(input), REOPS_CALL_ID: call.id }
  const given = shell.stdin?.(input)
  const ownInput = given !== undefined || shell.contents !== undefined
  // A script comes by standard input, which leaves no trace in the process list, unless the call needs it for itself.
  const script = 'script' in shell ? shell.script(input) : undefined
  const plain = 'command' in shell ? shell.command(input) : scriptCommand(script ?? '', ownInput, shell.args?.(input))
  const argv = asUser(call, shell, plain, env)
  const stdin = given ?? (script === undefined || ownInput ? undefined : wrapScript(script))
  return { argv, env: { ...baseEnvironment(), ...env }, cwd: shell.cwd?.(input) ?? '/', stdin }
}

const runShell = async (
  call: Call,
  shell: AnyShell,
  { signal, onSpawn, outputs, talk }: SpawnedBy,
  timeoutMs: number,
): Promise<CallResult> => {
  const asked = shell.outputBytesMax?.(call.input as never) ?? wireLimits.outputBytesMax
  const outputBytesMax = Math.min(asked, call.outputBytesMax, wireLimits.outputBytesMax)
  const streams = outputs.begin(call.id, outputBytesMax)
  const talking = shell.contents && talk ? { talk: await talk() } : {}
  const end = await runCommand({ ...commandOf(call, shell), streams, signal, onSpawn, ...talking })
  if (end.kind === 'ended') {
    const result = await ended(call, shell, end, outputs)
    return signal.aborted ? aborted(call, signal, timeoutMs, { stderr: end.stderr }) : result
  }
  const kept = (await outputs.end(call.id)) ? { outputRef: call.id } : {}
  if (end.kind === 'not started') return failed(call, 'exit', end.why, { code: end.code })
  await killLeftovers(new Map([[call.id, null]])) // those that left the process group
  if (signal.reason !== 'stopping') await cleanUp(call, shell) // what stopping leaves, the next try goes on with
  return aborted(call, signal, timeoutMs, { stderr: end.stderr, ...kept })
}

const runNative = async (
  call: Call,
  native: NonNullable<Found['native']>,
  by: SpawnedBy,
  timeoutMs: number,
  limit: (timeoutMs: number) => void,
): Promise<CallResult> => {
  const { signal } = by
  const { promise, resolve } = Promise.withResolvers<null>()
  const stop = () => resolve(null)
  const watch = () => {
    if (signal.aborted) return stop()
    limit(timeoutMs)
    signal.addEventListener('abort', stop)
  }
  // Most are done within this turn of the loop, and cost no timer and no listener.
  const soon = setImmediate(watch)
  try {
    // A native form that does not obey its signal must not hold the slot.
    const work = native(call.input, by).then(value => ({ value }))
    const done = await Promise.race([work, promise])
    return done ? { ok: true, value: done.value } : aborted(call, signal, timeoutMs)
  } catch (error) {
    if (signal.aborted) return aborted(call, signal, timeoutMs)
    if (isCallFault(error)) return error.result
    // As its shell form fails: `cat` of what cannot be read, or a parser that finds nothing in it.
    return (error as NodeJS.ErrnoException).code === undefined
      ? failed(call, 'invalid', unreadableWords(error))
      : failed(call, 'exit', errorText(error), { code: 1 })
  } finally {
    clearImmediate(soon)
    signal.removeEventListener('abort', stop)
  }
}

const checked = (call: Call, found: Found, result: CallResult, bytesMax: number): CallResult => {
  if (!result.ok) return result
  const error = found.outputError(result.value)
  if (error !== null) return failed(call, 'invalid', brokenWords(call.operation, error))
  const size = jsonBytes(result.value)
  return size <= bytesMax
    ? result
    : failed(call, 'invalid', `the result has ${size} bytes; at most ${bytesMax} are allowed for this call`)
}

/** Room that the result of this call may take, in bytes as JSON. */
export const resultBytesMax = (call: Call): number =>
  Math.min(2 * Math.min(call.outputBytesMax, wireLimits.outputBytesMax) + 65_536, wireLimits.messageBytesMax - 4096)

/** Does a call that `refusalOf` let through. Never throws; enforces the time and output limits. */
export const execute = async (
  found: Found,
  call: Call,
  controller: AbortController,
  around: Omit<SpawnedBy, 'signal'>,
): Promise<CallResult> => {
  const { signal } = controller
  const by = { signal, ...around }
  let timer: NodeJS.Timeout | undefined
  const limit = (timeoutMs: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => controller.abort('timeout' satisfies AbortReason), timeoutMs)
  }
  try {
    const bytesMax = resultBytesMax(call) - 8192
    if (found.plan) limit(call.timeoutMs)
    const shell = found.native ? undefined : (found.shell ?? (await found.plan?.(by)))
    const timeoutMs = Math.min(shell?.timeoutMs?.(call.input as never) ?? call.timeoutMs, call.timeoutMs)
    if (found.native) return checked(call, found, await runNative(call, found.native, by, timeoutMs, limit), bytesMax)
    if (timeoutMs < call.timeoutMs || timer === undefined) limit(timeoutMs)
    return checked(call, found, await runShell(call, shell as AnyShell, by, timeoutMs), bytesMax)
  } catch (error) {
    if (signal.aborted) return aborted(call, signal, call.timeoutMs)
    if (isCallFault(error)) return error.result
    return failed(call, 'invalid', `the operation cannot be prepared: ${errorText(error)}`)
  } finally {
    clearTimeout(timer)
  }
}

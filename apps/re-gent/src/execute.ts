import { userInfo } from 'node:os'
import { wrapScript } from '@re-ops/operations'
import type { Outputs } from '@re-ops/outputs'
import type { AnyOperation } from '@re-ops/pipelines'
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
import { runCommand, type CommandEnd } from './command.ts'
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
const escapedBytesMax = 900_000

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
  const errorOf = (check: AgentOperation['checkInput']) => (value: unknown) => {
    const [error] = check(value)
    return error ? `${error.path} ${error.message}` : null
  }
  return {
    reads: operation.reads === true,
    inputError: errorOf(operation.checkInput),
    outputError: errorOf(operation.checkOutput),
    ...(native ? { native: (value, { signal }) => native(value as never, { signal }) } : {}),
    ...(shell ? { shell: shell as AnyShell } : {}),
  }
}

/** Whether the input may be given to it: `null`, or the answer that refuses the call. */
export const refusalOf = (found: Found, call: Call): CallResult | null => {
  const size = Buffer.byteLength(JSON.stringify(call.input) ?? '')
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

/** Cuts a text so that it takes at most that many bytes as JSON, where a control character takes six. */
const fit = (text: string, bytesMax: number): string => {
  let kept = text
  for (
    let size = Buffer.byteLength(JSON.stringify(kept));
    size > bytesMax;
    size = Buffer.byteLength(JSON.stringify(kept))
  )
    kept = kept.slice(0, Math.floor(kept.length * (bytesMax / size) * 0.99))
  return kept
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
  const stderrTail = end.stderr.slice(-stderrTailChars)
  const stdout = fit(end.stdout, escapedBytesMax / 2)
  const stderr = fit(end.stderr, escapedBytesMax / 2)
  const truncated = end.truncated || stdout.length < end.stdout.length || stderr.length < end.stderr.length
  const kept = (await outputs.end(call.id, truncated)) ? { outputRef: call.id } : {}
  if (end.signal !== null)
    return failed(call, 'exit', `killed by ${end.signal}`, { signal: end.signal, stderrTail, ...kept })
  const code = end.code ?? 0
  if (!(shell.okCodes?.(input) ?? [0]).includes(code)) {
    const line = stderrTail.trim().split('\n').at(-1) ?? ''
    return failed(call, 'exit', `exit code ${code}${line ? `: ${line}` : ''}`, { code, stderrTail, ...kept })
  }
  try {
    return { ok: true, value: await shell.parse({ stdout, stderr, code, truncated, ...kept }, input) }
  } catch (error) {
    if (isCallFault(error)) return error.result
    return failed(call, 'invalid', `output does not parse: ${errorText(error)}`, { code, stderrTail, ...kept })
  }
}

const commandOf = (call: Call, shell: AnyShell) => {
  const input = call.input as never
  const env = { ...shell.env?.(input), REOPS_CALL_ID: call.id }
  const given = shell.stdin?.(input)
  // A script comes by standard input, which leaves no trace in the process list, unless the call needs it for itself.
  const script = 'script' in shell ? shell.script(input) : undefined
  const plain =
    'command' in shell ? shell.command(input) : given === undefined ? ['sh', '-s'] : ['sh', '-c', script ?? '']
  const user = shell.become?.(input)?.user
  // sudo clears the environment, so ours goes through `env`.
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const argv =
    user && user !== userInfo().username ? ['sudo', '-n', '-u', user, '--', 'env', ...pairs, ...plain] : plain
  const stdin = given ?? (script === undefined ? undefined : wrapScript(script))
  return { argv, env: { ...baseEnvironment(), ...env }, cwd: shell.cwd?.(input) ?? '/', stdin }
}

const runShell = async (
  call: Call,
  shell: AnyShell,
  { signal, onSpawn, outputs }: SpawnedBy,
  timeoutMs: number,
): Promise<CallResult> => {
  const asked = shell.outputBytesMax?.(call.input as never) ?? wireLimits.outputBytesMax
  const outputBytesMax = Math.min(asked, call.outputBytesMax, wireLimits.outputBytesMax)
  const streams = outputs.begin(call.id, outputBytesMax)
  const end = await runCommand({ ...commandOf(call, shell), streams, signal, onSpawn })
  if (end.kind === 'ended') {
    const result = await ended(call, shell, end, outputs)
    return signal.aborted ? aborted(call, signal, timeoutMs, { stderr: end.stderr }) : result
  }
  const kept = (await outputs.end(call.id)) ? { outputRef: call.id } : {}
  if (end.kind === 'not started') return failed(call, 'exit', end.why, { code: end.code })
  await killLeftovers(new Map([[call.id, null]])) // those that left the process group
  return aborted(call, signal, timeoutMs, { stderr: end.stderr, ...kept })
}

const runNative = async (
  call: Call,
  native: NonNullable<Found['native']>,
  by: SpawnedBy,
  timeoutMs: number,
): Promise<CallResult> => {
  const { signal } = by
  const { promise, resolve } = Promise.withResolvers<null>()
  const stop = () => resolve(null)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  try {
    // A native form that does not obey its signal must not hold the slot.
    const work = native(call.input, by).then(value => ({ value }))
    const done = await Promise.race([work, promise])
    return done ? { ok: true, value: done.value } : aborted(call, signal, timeoutMs)
  } catch (error) {
    if (signal.aborted) return aborted(call, signal, timeoutMs)
    return isCallFault(error) ? error.result : failed(call, 'exit', errorText(error))
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const checked = (call: Call, found: Found, result: CallResult, bytesMax: number): CallResult => {
  if (!result.ok) return result
  const error = found.outputError(result.value)
  if (error !== null) return failed(call, 'invalid', `output${error}`)
  const size = Buffer.byteLength(JSON.stringify(result.value) ?? '')
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
    if (timeoutMs < call.timeoutMs || timer === undefined) limit(timeoutMs)
    if (found.native) return checked(call, found, await runNative(call, found.native, by, timeoutMs), bytesMax)
    return checked(call, found, await runShell(call, shell as AnyShell, by, timeoutMs), bytesMax)
  } catch (error) {
    if (signal.aborted) return aborted(call, signal, call.timeoutMs)
    if (isCallFault(error)) return error.result
    return failed(call, 'invalid', `the operation cannot be prepared: ${errorText(error)}`)
  } finally {
    clearTimeout(timer)
  }
}

import { userInfo } from 'node:os'
import { wrapScript } from '@re-ops/operations'
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
export type AbortReason = 'timeout' | 'cancelled' | 'stopping'

const stderrTailChars = 4096
const escapedBytesMax = 900_000

const failed = (call: Call, kind: FailureKind, message: string, more: Partial<Failure> = {}): CallResult => ({
  ok: false,
  failure: { kind, message: message.slice(0, 2000), step: call.operation, callId: call.id, transport: 'zmq', ...more },
})

/** Whether the call can be done here at all: `null`, or the answer that refuses it. */
export const refusalOf = (catalogue: Catalogue, call: Call): CallResult | null => {
  const operation = catalogue.operationNamed(call.operation)
  if (!operation) return failed(call, 'rejected', `the agent has no operation ${call.operation}`, { started: 'no' })
  if (!operation.shell && !catalogue.natives.has(call.operation))
    return failed(call, 'rejected', `the agent has no native form of ${call.operation}`, { started: 'no' })
  const size = Buffer.byteLength(JSON.stringify(call.input) ?? '')
  if (size > wireLimits.inputBytesMax)
    return failed(call, 'invalid', `input has ${size} bytes; at most ${wireLimits.inputBytesMax} are allowed`, {
      started: 'no',
    })
  const [error] = operation.checkInput(call.input)
  return error ? failed(call, 'invalid', `input${error.path} ${error.message}`, { started: 'no' }) : null
}

/** What commands see of the agent's environment: enough to work, nothing that could hold a secret. */
const passed = /^(PATH|HOME|USER|LOGNAME|SHELL|TZ|TMPDIR|LANG|LC_[A-Z]+|XDG_RUNTIME_DIR)$/
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const baseEnvironment = (): Record<string, string> => {
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

const aborted = (call: Call, signal: AbortSignal, timeoutMs: number, stderrTail?: string): CallResult => {
  const tail = stderrTail ? { stderrTail } : {}
  const reason = signal.reason as AbortReason
  if (reason === 'timeout')
    return failed(call, 'timeout', `not done after ${timeoutMs} ms; its process group was killed`, {
      ...tail,
      started: 'yes',
    })
  if (reason === 'cancelled')
    return failed(call, 'cancelled', 'cancelled; its process group was killed', { ...tail, started: 'yes' })
  return failed(call, 'lost', 'the agent stopped while it ran; its process group was killed', {
    ...tail,
    started: 'yes',
  })
}

const ended = (call: Call, shell: Shell<never, unknown>, end: Extract<CommandEnd, { stdout: string }>): CallResult => {
  const input = call.input as never
  const stderrTail = end.stderr.slice(-stderrTailChars)
  if (end.signal !== null) return failed(call, 'exit', `killed by ${end.signal}`, { signal: end.signal, stderrTail })
  const code = end.code ?? 0
  if (!(shell.okCodes?.(input) ?? [0]).includes(code)) {
    const line = stderrTail.trim().split('\n').at(-1) ?? ''
    return failed(call, 'exit', `exit code ${code}${line ? `: ${line}` : ''}`, { code, stderrTail })
  }
  const stdout = fit(end.stdout, escapedBytesMax / 2)
  const stderr = fit(end.stderr, escapedBytesMax / 2)
  const truncated = end.truncated || stdout.length < end.stdout.length || stderr.length < end.stderr.length
  try {
    return { ok: true, value: shell.parse({ stdout, stderr, code, truncated }, input) }
  } catch (error) {
    return failed(call, 'invalid', `output does not parse: ${errorText(error)}`, { code, stderrTail })
  }
}

const commandOf = (call: Call, shell: Shell<never, unknown>) => {
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
  shell: Shell<never, unknown>,
  signal: AbortSignal,
  timeoutMs: number,
  onSpawn: (pid: number) => void,
) => {
  const asked = shell.outputBytesMax?.(call.input as never) ?? wireLimits.outputBytesMax
  const outputBytesMax = Math.min(asked, call.outputBytesMax, wireLimits.outputBytesMax)
  const end = await runCommand({ ...commandOf(call, shell), outputBytesMax, signal, onSpawn })
  if (end.kind === 'not started') return failed(call, 'exit', end.why, { code: end.code })
  if (end.kind === 'ended') return ended(call, shell, end)
  await killLeftovers(new Map([[call.id, null]])) // those that left the process group
  return aborted(call, signal, timeoutMs, end.stderr.slice(-stderrTailChars))
}

const runNative = async (
  call: Call,
  native: Native<never, unknown>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<CallResult> => {
  const { promise, resolve } = Promise.withResolvers<null>()
  const stop = () => resolve(null)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  try {
    // A native form that does not obey its signal must not hold the slot.
    const work = native(call.input as never, { signal }).then(value => ({ value }))
    const done = await Promise.race([work, promise])
    return done ? { ok: true, value: done.value } : aborted(call, signal, timeoutMs)
  } catch (error) {
    return signal.aborted ? aborted(call, signal, timeoutMs) : failed(call, 'exit', errorText(error))
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const checked = (call: Call, operation: AgentOperation, result: CallResult, bytesMax: number): CallResult => {
  if (!result.ok) return result
  const [error] = operation.checkOutput(result.value)
  if (error) return failed(call, 'invalid', `output${error.path} ${error.message}`)
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
  catalogue: Catalogue,
  call: Call,
  controller: AbortController,
  onSpawn: (pid: number) => void,
): Promise<CallResult> => {
  const operation = catalogue.operationNamed(call.operation)
  if (!operation) return failed(call, 'rejected', `the agent has no operation ${call.operation}`)
  const native = catalogue.natives.get(call.operation)
  const { shell } = operation
  let timer: NodeJS.Timeout | undefined
  try {
    const own = shell?.timeoutMs?.(call.input as never) ?? call.timeoutMs
    const timeoutMs = Math.min(own, call.timeoutMs)
    timer = setTimeout(() => controller.abort('timeout' satisfies AbortReason), timeoutMs)
    const { signal } = controller
    const result = native
      ? await runNative(call, native, signal, timeoutMs)
      : await runShell(call, shell as Shell<never, unknown>, signal, timeoutMs, onSpawn)
    return checked(call, operation, result, resultBytesMax(call) - 8192)
  } catch (error) {
    return failed(call, 'invalid', `the operation cannot be prepared: ${errorText(error)}`)
  } finally {
    clearTimeout(timer)
  }
}

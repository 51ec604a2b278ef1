import {
  checkInput,
  operationNamed,
  parseShell,
  planShell,
  scriptCommand,
  type Contents,
  type ShellPlan,
} from '@re-ops/operations'
import { fitted, jsonBytes, makeCollector, type Outputs } from '@re-ops/outputs'
import { wireLimits, type CallResult, type Failure, type FailureKind, type ShellResult } from '@re-ops/protocols'
import type { LiveOperations } from '../runner/live-operations.ts'
import { become } from './become.ts'
import { requiredText, type CredentialDeps } from './credentials.ts'
import type { SshHost } from './host.ts'
import { sshLimits } from './limits.ts'
import { whyNotStarted } from './not-started.ts'
import type { Lease, Pool } from './pool.ts'
import { SshRefused } from './refused.ts'
import type { CommandEnd, Output } from './remote.ts'

/** One call for a host of this transport. */
export type SshCall = {
  readonly id: string
  readonly host: string
  readonly operation: string
  /** The live module it is of. */
  readonly module?: string
  readonly input: unknown
  readonly timeoutMs: number
}
export type AbortReason = 'timeout' | 'cancelled' | 'stopping'
export type ExecuteDeps = CredentialDeps & {
  readonly pool: Pool
  readonly live: Pick<LiveOperations, 'planOf' | 'parseOf'>
  readonly outputs: Outputs
  /** Contents of files for the calls of a host. */
  contents(host: string): Contents
}

/** What to spawn, and how to read what it leaves. */
type Prepared = { readonly plan: ShellPlan; parse(result: ShellResult): CallResult | Promise<CallResult> }

type Fail = (kind: FailureKind, message: string, more?: Partial<Failure>) => CallResult
const failing =
  (call: SshCall): Fail =>
  (kind, message, more = {}) => ({
    ok: false,
    failure: {
      kind,
      message: message.slice(0, 2000),
      step: call.operation,
      callId: call.id,
      transport: 'ssh',
      ...more,
    },
  })

/** An end with as much output as a result takes; `outputRef` when there is more and it is kept. */
type Read = CommandEnd & { readonly outputRef?: string }
const readOf = async (outputs: Outputs, call: string, end: CommandEnd): Promise<Read> =>
  end.kind === 'ended' || end.kind === 'aborted' ? { ...end, ...(await fitted(outputs, call, end)) } : end

const tailOf = ({ stderr, outputRef }: Output & { readonly outputRef?: string }): Partial<Failure> => ({
  ...(stderr === '' ? {} : { stderrTail: stderr.slice(-sshLimits.stderrTailChars) }),
  ...(outputRef === undefined ? {} : { outputRef }),
})

const aborted = (fail: Fail, end: Extract<CommandEnd, { kind: 'aborted' }>, reason: AbortReason, timeoutMs: number) => {
  const killed = end.killed ? 'its process group was killed' : 'it could not be killed and may still run'
  const more: Partial<Failure> = {
    ...tailOf(end),
    started: end.started ? 'yes' : 'unknown',
    ...(end.killed ? {} : { stillRunning: true }),
  }
  if (reason === 'timeout') return fail('timeout', `not done after ${timeoutMs} ms; ${killed}`, more)
  if (reason === 'cancelled') return fail('cancelled', `cancelled; ${killed}`, more)
  return fail('lost', `the service stopped while it ran; ${killed}`, more)
}

/** A shell tells a signal as 128 and its number, an end by itself with that code looks the same. */
const signalHint = (code: number): string =>
  code > 128 && code <= 192 ? ` (128 + ${code - 128}, as after a signal)` : ''

const resultOf = async (
  { plan, parse }: Prepared,
  fail: Fail,
  end: Read,
  reason: AbortReason,
  timeoutMs: number,
): Promise<CallResult> => {
  switch (end.kind) {
    case 'refused':
      return fail('unreachable', end.why, { started: 'no' })
    case 'broken':
      return fail('lost', `${end.why} while it ran`, { started: end.started })
    case 'aborted':
      return aborted(fail, end, reason, timeoutMs)
    case 'ended': {
      if (end.signal !== null) return fail('exit', `killed by ${end.signal}`, { signal: end.signal, ...tailOf(end) })
      const { stdout, stderr, truncated, outputRef } = end
      const kept = outputRef === undefined ? {} : { outputRef }
      const code = end.code ?? 0
      const result = await parse({ stdout, stderr, code, truncated, ...kept })
      if (!result.ok) {
        const { kind, message, step: _, ...more } = result.failure
        const why = kind === 'exit' ? whyNotStarted(plan, code, stderr) : null
        if (why !== null) return fail('exit', why, { code })
        return fail(kind, kind === 'exit' ? `${message}${signalHint(code)}` : message, { ...more, ...kept })
      }
      const size = jsonBytes(result.value)
      const sizeMax = wireLimits.messageBytesMax - 4096
      return size <= sizeMax ? result : fail('invalid', `the result has ${size} bytes; at most ${sizeMax} are allowed`)
    }
  }
}

/** Before anything is asked of the host: the plan, or the answer that says why the call cannot be done over SSH. */
const prepare = (
  { live }: ExecuteDeps,
  call: SshCall,
  fail: Fail,
): Prepared | CallResult | Promise<Prepared | CallResult> => {
  if (call.module !== undefined) return prepareLive(live, { ...call, module: call.module }, fail)
  const operation = operationNamed(call.operation)
  if (!operation) return fail('rejected', `there is no operation ${call.operation}`, { started: 'no' })
  if (!operation.shell) return fail('rejected', `${call.operation} needs an agent`, { started: 'no' })
  const [error] = checkInput(operation, call.input)
  if (error) return fail('invalid', `input${error.path} ${error.message}`, { started: 'no' })
  const plan = planShell(operation, call.input)
  return { plan, parse: result => parseShell(operation, call.input, result) }
}
const prepareLive = async (
  live: ExecuteDeps['live'],
  { module, operation, input }: SshCall & { readonly module: string },
  fail: Fail,
): Promise<Prepared | CallResult> => {
  const plan = await live.planOf(module, operation, input)
  if (!('ok' in plan)) return { plan, parse: result => live.parseOf(module, operation, input, result) }
  const { kind, message, step: _, ...more } = plan.failure
  return fail(kind, message, more)
}

/**
 * Does one call, as the agent does it: the same plan, the same limits, the same ends. Never throws. A connection that cannot be made, a host
 * key, a login: `unreachable`, nothing started. A connection that breaks later: `lost`.
 */
export const execute = async (
  deps: ExecuteDeps,
  host: SshHost,
  call: SshCall,
  controller: AbortController,
  onStarted: () => void,
): Promise<CallResult> => {
  const fail = failing(call)
  const { signal } = controller
  const reason = () => signal.reason as AbortReason
  let timer: NodeJS.Timeout | undefined
  let started = false
  try {
    const prepared = await prepare(deps, call, fail)
    if ('ok' in prepared) return prepared
    const { plan } = prepared
    const timeoutMs = Math.min(plan.timeoutMs ?? call.timeoutMs, call.timeoutMs)
    const lease = await deps.pool.use(host, signal)
    try {
      const { become: secret } = host.settings
      const wanted = plan.become !== undefined && plan.become.user !== lease.user
      const password = wanted && secret !== undefined ? await requiredText(deps, secret) : undefined
      const whole = { argv: plan.argv, env: plan.env, stdin: plan.stdin, become: plan.become }
      const { argv, env, stdin, as } = become(whole, call.id, lease.user, password)
      const outputBytesMax = Math.min(plan.outputBytesMax ?? wireLimits.outputBytesMax, wireLimits.outputBytesMax)
      const streams = deps.outputs.begin(call.id, outputBytesMax)
      const talk = plan.contents ? { contents: deps.contents(call.host) } : {}
      const command = { id: call.id, argv, env, cwd: plan.cwd ?? '/', stdin, streams, ...talk }
      const limit = () => controller.abort('timeout' satisfies AbortReason)
      timer = setTimeout(limit, timeoutMs)
      const begun = () => {
        started = true
        onStarted()
      }
      const end = await lease.channels.run(command, { signal, onStarted: begun, as })
      for (const stream of [streams.stdout, streams.stderr]) stream.end()
      // What stopping leaves, the next try goes on with.
      if (end.kind === 'aborted' && reason() !== 'stopping' && plan.afterKill !== undefined)
        await cleanUp(lease, { ...plan, afterKill: plan.afterKill }, call.id, password)
      return await resultOf(prepared, fail, await readOf(deps.outputs, call.id, end), reason(), timeoutMs)
    } finally {
      await deps.outputs.end(call.id)
      lease.release()
    }
  } catch (error) {
    if (error instanceof SshRefused) return fail('unreachable', error.message, { started: 'no' })
    if (signal.aborted && !started) return notStarted(fail, reason())
    const message = error instanceof Error ? error.message : String(error)
    return fail('invalid', `the operation cannot be prepared: ${message}`, { started: started ? 'yes' : 'no' })
  } finally {
    clearTimeout(timer)
  }
}

/** Runs what removes what a killed command could not remove itself. Its host may be gone: then nothing can be done. */
const cleanUp = async (
  { channels, user }: Lease,
  { afterKill, become: as }: ShellPlan & { readonly afterKill: string },
  id: string,
  password: string | undefined,
): Promise<void> => {
  const plan = { argv: scriptCommand(afterKill, true), env: {}, stdin: undefined, become: as }
  const { argv, env, stdin } = become(plan, id, user, password)
  const streams = { stdout: makeCollector(0), stderr: makeCollector(0) }
  const command = { id, argv, env, cwd: '/', stdin, streams }
  const signal = AbortSignal.timeout(sshLimits.killMs)
  await channels.run(command, { signal, onStarted: () => undefined }).catch(() => undefined)
}

const notStarted = (fail: Fail, reason: AbortReason): CallResult =>
  reason === 'cancelled'
    ? fail('cancelled', 'cancelled before it was started', { started: 'no' })
    : fail(
        'unreachable',
        reason === 'timeout' ? 'its host had no room for it in time' : 'the service stopped before it was started',
        { started: 'no' },
      )

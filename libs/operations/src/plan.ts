import { errorLine, type AnyOperation, type SchemaError } from '@re-ops/pipelines'
import type { Become, CallResult, ContentNeeds, ShellResult } from '@re-ops/protocols'
import { scriptCommand, wrapScript } from './script.ts'
import { brokenWords, cutWords, exitWords, unreadableWords } from './words.ts'

/** What to spawn for a call: complete, the transport adds nothing but its own limits. */
export type ShellPlan = {
  /** The program and its arguments; a script has become `sh -s` with the text on `stdin`. Without `become` (see becomeArgv). */
  readonly argv: readonly string[]
  /** What it reads; absent means nothing (/dev/null). */
  readonly stdin?: string
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly become?: Become
  /** Exit codes that are not a failure. */
  readonly okCodes: readonly number[]
  readonly timeoutMs?: number
  readonly outputBytesMax?: number
  /** It talks about contents with the transport (see converse): its standard input stays open. */
  readonly contents?: ContentNeeds
  /** A script to run after it was killed. */
  readonly afterKill?: string
}

/** What does not fit in an input; nothing when it fits. */
export const checkInput = (operation: AnyOperation, input: unknown): readonly SchemaError[] =>
  operation.checkInput(input)

/** The plan for an input that fits (checkInput). Pure; throws when the operation has no shell form. */
export const planShell = (operation: AnyOperation, input: unknown): ShellPlan => {
  const { shell } = operation
  if (!shell) throw new Error(`${operation.name} has no shell form: it needs an agent`)
  const given = shell.stdin?.(input)
  const contents = shell.contents?.(input)
  const script = 'script' in shell ? shell.script(input) : undefined
  const argv =
    'script' in shell
      ? scriptCommand(shell.script(input), given !== undefined || contents !== undefined, shell.args?.(input))
      : shell.command(input)
  const stdin = given ?? (script === undefined || contents !== undefined ? undefined : wrapScript(script))
  const afterKill = shell.afterKill?.(input)
  const cwd = shell.cwd?.(input)
  const become = shell.become?.(input)
  const timeoutMs = shell.timeoutMs?.(input)
  const outputBytesMax = shell.outputBytesMax?.(input)
  return {
    argv,
    env: shell.env?.(input) ?? {},
    okCodes: shell.okCodes?.(input) ?? [0],
    ...(stdin === undefined ? {} : { stdin }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(become === undefined ? {} : { become }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(outputBytesMax === undefined ? {} : { outputBytesMax }),
    ...(contents === undefined ? {} : { contents }),
    ...(afterKill === undefined ? {} : { afterKill }),
  }
}

/**
 * The command that runs a plan as its `become` user: itself when the transport is that user already, else by sudo, which must
 * not ask (`-n`). sudo drops the environment, so the variables of the plan are named to it.
 */
export const becomeArgv = (plan: ShellPlan, currentUser: string): readonly string[] => {
  if (!plan.become || plan.become.user === currentUser) return plan.argv
  const names = Object.keys(plan.env)
  const keep = names.length > 0 ? [`--preserve-env=${names.join(',')}`] : []
  return ['sudo', '-n', ...keep, '-u', plan.become.user, '--', ...plan.argv]
}

const stderrTailMax = 4096

/** What a process left, as the answer to the call: `exit` for a code that is not ok, `invalid` for output that cannot be read. */
export const parseShell = (operation: AnyOperation, input: unknown, result: ShellResult): CallResult => {
  const { shell } = operation
  if (!shell) throw new Error(`${operation.name} has no shell form: it needs an agent`)
  const step = operation.name
  const tail = result.stderr.slice(-stderrTailMax)
  const stderrTail = tail === '' ? {} : { stderrTail: tail }
  const okCodes = shell.okCodes?.(input) ?? [0]
  if (!okCodes.includes(result.code)) {
    const failure = { kind: 'exit' as const, message: exitWords(result), step, code: result.code, ...stderrTail }
    return { ok: false, failure }
  }
  const invalid = (why: string): CallResult => {
    const message = `${why}${result.truncated ? cutWords : ''}`
    return { ok: false, failure: { kind: 'invalid', message, step, code: result.code, ...stderrTail } }
  }
  let value: unknown
  try {
    value = shell.parse(result, input)
  } catch (error) {
    return invalid(unreadableWords(error))
  }
  const checked = checkOutput(operation, value)
  return checked.ok ? checked : invalid(checked.failure.message)
}

/** The value of a native form or a parser as an answer: `invalid` when it is not what the operation promises. */
export const checkOutput = (operation: AnyOperation, value: unknown): CallResult => {
  const errors = operation.checkOutput(value)
  if (errors.length === 0) return { ok: true, value }
  const message = brokenWords(operation.name, errorLine(errors))
  return { ok: false, failure: { kind: 'invalid', message, step: operation.name } }
}

import { constants, userInfo } from 'node:os'
import { cutWords, exitWords, scriptCommand, unreadableWords, wrapScript } from '@re-ops/operations'
import { fitted, makeCollector, type Outputs } from '@re-ops/outputs'
import { wireLimits, type CallResult } from '@re-ops/protocols'
import { runCommand, type CommandEnd } from '../command.ts'
import { killLeftovers } from '../leftovers.ts'
import { aborted, failed, isCallFault, stderrTailChars } from './failed.ts'
import type { AnyShell, Call, SpawnedBy } from './found.ts'

/** What commands see of the agent's environment: enough to work, nothing that could hold a secret. */
const passed = /^(PATH|HOME|USER|LOGNAME|SHELL|TZ|TMPDIR|LANG|LC_[A-Z]+|XDG_RUNTIME_DIR)$/
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
export const baseEnvironment = (): Record<string, string> => {
  const kept = Object.entries(process.env).filter(([name, value]) => passed.test(name) && value !== undefined)
  return { PATH: defaultPath, ...(Object.fromEntries(kept) as Record<string, string>) }
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

/** Runs the command of a shell form and reads what it left. */
export const runShell = async (
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

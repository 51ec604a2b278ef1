import about from '../package.json' with { type: 'json' }
import { splitCommand } from './arguments/command.ts'
import { findCluster, type Cluster } from './cluster.ts'
import type { Context } from './context.ts'
import { Fault } from './fault.ts'
import { CommanderError, insideGroups, makeProgram } from './program.ts'
import { makeTerminal } from './terminal.ts'

const environment = process.env
const terminal = makeTerminal(process, environment)

const lazy = <T>(make: () => T): (() => T) => {
  let made: { value: T } | null = null
  return () => (made ??= { value: make() }).value
}
const cluster = lazy((): Cluster => findCluster(environment, process.cwd()))
const client = lazy(async () => {
  const { coreUrl, moteUrl, token } = cluster()
  const { makeClient } = await import('@re-ops/client')
  const urls = { ...(coreUrl === undefined ? {} : { coreUrl }), ...(moteUrl === undefined ? {} : { moteUrl }) }
  return makeClient({ ...urls, token, retriesMax: 3 })
})

const interruptible = (onInterrupt: () => void): (() => void) => {
  let asked = false
  const listener = () => {
    if (asked) process.exit(130)
    asked = true
    onInterrupt()
  }
  process.on('SIGINT', listener)
  return () => process.off('SIGINT', listener)
}

/** One line for stderr and the exit code, for whatever ended a command. */
const explained = (error: unknown): { line: string; code: number } => {
  if (error instanceof Fault) return { line: error.message, code: error.exitCode }
  if (error instanceof CommanderError)
    return {
      line: `${error.message.replace(/^error: /, '').replaceAll('\n', ' ')}${allowedHints[error.code] ?? ''}`,
      code: 2,
    }
  const { kind, message } = error as { kind?: unknown; message?: unknown }
  const line = String(message ?? error).split('\n')[0] as string
  if (kind === 'problem') return { line, code: ((error as { status?: number }).status ?? 500) < 500 ? 2 : 3 }
  if (kind === 'unreachable') return { line: `${line}${hint(line)}`, code: 3 }
  if (kind === 'denied' || kind === 'malformed') return { line, code: 3 }
  return { line: `bug: ${error instanceof Error ? (error.stack ?? line) : line}`, code: 70 }
}
const isUnknownCommand = (error: unknown) =>
  error instanceof CommanderError && error.code === 'commander.unknownCommand'
const meant = (word: string, inside: readonly string[]) => ({
  line: `unknown command '${word}'; there is ${inside.map(one => `\`${one}\``).join(', ')}`,
  code: 2,
})
const allowedHints: Readonly<Record<string, string>> = {
  'commander.unknownCommand': '; --help lists what is allowed',
  'commander.unknownOption': '; --help lists what is allowed',
  'commander.excessArguments': '; --help has examples',
  'commander.missingArgument': '; --help has examples',
  'commander.missingMandatoryOptionValue': '; --help has examples',
}
const hint = (line: string) => (line.includes('refused') ? '; is the cluster running? (`npm start`)' : '')

const takesCommand: ReadonlySet<string> = new Set(['run', 'ssh', 'complete'])

const main = async (): Promise<number> => {
  const { words, command } = splitCommand(process.argv.slice(2))
  let code = 0
  const context: Context = { terminal, cluster, client, interruptible, now: Date.now }
  const program = makeProgram({
    context,
    command,
    version: about.version,
    environment,
    finish: exit => (code = exit),
    write: { out: text => process.stdout.write(text), error: text => process.stderr.write(text) },
  })
  try {
    if (command !== null && !takesCommand.has(words[0] ?? ''))
      throw new Fault(2, '`--` and a command stand only behind `reops run --on <selector>` and `reops ssh <name>`')
    if (words.length === 0) program.help({ error: true })
    await program.parseAsync(words[0] === 'help' ? [...words.slice(1), '--help'] : words, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0 // --help and --version
    if (error instanceof CommanderError && error.code === 'commander.help') return 2
    const inside = isUnknownCommand(error) ? insideGroups(program, words[0] ?? '') : []
    const { line, code } = inside.length > 0 ? meant(words[0] ?? '', inside) : explained(error)
    terminal.error(`reops: ${line}`)
    return code
  }
}

// `reops ... | head` closes the pipe early: nothing is left to say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
process.exitCode = await main()

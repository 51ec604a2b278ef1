import { Command } from 'commander'
import type { Context } from '../context.ts'

/** What `--help` and the rules of parsing need; the commands themselves are loaded when they run. */
export type Parts = {
  readonly context: Context
  /** What stood behind `--`, for `run` alone. */
  readonly command: readonly string[] | null
  readonly version: string
  readonly environment: NodeJS.ProcessEnv
  /** Takes the exit code of the command that ran. */
  readonly finish: (code: number) => void
  /** Where help goes: to stdout when asked for, to stderr when a command is missing. */
  readonly write: { readonly out: (text: string) => void; readonly error: (text: string) => void }
}

/** The end of a help text. */
export const examples = (...lines: readonly string[]) => `\nExamples:\n${lines.map(line => `  $ ${line}`).join('\n')}\n`
// The words of @re-ops/protocols, whose schemas take too long to load for a help text; a test compares them.
export const providers = ['local', 'kvm', 'ec2', 'digitalocean', 'physical']
export const inventoryFormats = ['yaml', 'json', 'ansible', 'ansible-yaml'] as const
export const readiness = ['agent', 'ssh', 'none']
export const wordKinds = ['sizes', 'images', 'regions', 'types', 'presets'] as const
/** Of an option that may be given again. */
export const listOf = (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value]

/** A command that lists and has subcommands takes `--json` and the like itself when they stand behind the subcommand. */
export const merged = (parent: Command, options: object): object => ({ ...parent.opts(), ...options })

/** What commands are put together with. */
export const makeKit = (parts: Parts) => {
  const { context, finish, write } = parts
  const program = new Command('reops')
  const done = (work: Promise<number>) => work.then(finish)
  const configured = (command: Command): Command =>
    command
      .exitOverride()
      .configureOutput({ writeOut: write.out, writeErr: write.error, outputError: () => undefined })
      .helpCommand(false)
      .helpOption('-h, --help', 'this text')
  const add = (parent: Command, name: string, description: string): Command =>
    configured(parent.command(name)).description(description).option('--json', 'for programs: JSON on stdout')
  const group = (name: string, description: string): Command =>
    configured(program.command(name)).description(description)
  const selecting = (command: Command, what: string): Command =>
    command
      .option('--on <selector>', `the ${what} that the selector picks`)
      .option('--allow-none', 'a selector that matches nothing is not an error')
  const waiting = (command: Command): Command =>
    command
      .option('--wait', 'until it is done; prints how long each phase took')
      .option('--timeout <duration>', 'how long to wait', '10m')
  return { program, parts, context, done, configured, add, group, selecting, waiting }
}
export type Kit = ReturnType<typeof makeKit>

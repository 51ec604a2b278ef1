import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { noFolderWords, noStartWords } from '@re-ops/operations'
import type { Collector, Streams } from '@re-ops/outputs'
import type { Contents, converse } from '@re-ops/operations/dialogue'
import { kill } from './leftovers.ts'

/** For a command that talks about contents: what answers it. */
export type Talk = { readonly converse: typeof converse; readonly contents: Contents }
export type Command = {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly stdin: string | undefined
  readonly streams: Streams
  readonly signal: AbortSignal
  readonly onSpawn: (pid: number) => void
  readonly talk?: Talk
}
export type Ended = {
  readonly stdout: string
  readonly stderr: string
  readonly truncated: boolean
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}
export type CommandEnd =
  | ({ readonly kind: 'ended' | 'aborted' } & Ended)
  | { readonly kind: 'not started'; readonly code: number; readonly why: string }

/** How long the pipes of a killed process may stay open, held by one that left the group. */
const drainMs = 500

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** Gives a stream to its collector, no faster than that takes it. */
const follow = (stream: Readable, collector: Collector): void => {
  stream.on('data', (chunk: Buffer) => {
    const taken = collector.put(chunk)
    if (taken === undefined) return
    stream.pause()
    void taken.finally(() => stream.resume())
  })
}

const notStarted = (error: NodeJS.ErrnoException, { argv, cwd }: Command): CommandEnd => {
  const [program = ''] = argv
  if (error.code === 'ENOENT' && !existsSync(cwd)) return { kind: 'not started', code: 127, why: noFolderWords(cwd) }
  const code = error.code === 'ENOENT' ? 127 : 126
  const isKnown = error.code === 'ENOENT' || error.code === 'EACCES'
  const why = isKnown ? noStartWords(program, code) : `cannot start ${program}: ${error.code ?? error.message}`
  return { kind: 'not started', code, why }
}

const attend = (child: Child, command: Command): Promise<CommandEnd> =>
  new Promise(resolve => {
    const { stdout, stderr } = command.streams
    const { talk } = command
    const talked = talk ? talk.converse(child, talk.contents, stdout.put) : Promise.resolve(null)
    if (!talk) follow(child.stdout, stdout)
    follow(child.stderr, stderr)
    const { pid } = child
    let drain: NodeJS.Timeout | undefined
    const abort = (): void => {
      if (pid !== undefined) kill(-pid)
      drain = setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, drainMs)
    }
    const end = (result: CommandEnd): void => {
      clearTimeout(drain)
      command.signal.removeEventListener('abort', abort)
      resolve(result)
    }
    child.stdin.on('error', () => child.stdin.destroy()) // the process did not read its input: its own choice
    child.on('error', error => pid === undefined && end(notStarted(error, command)))
    child.on('close', (code, signal) => {
      void talked.then(fault => {
        if (fault !== null) void stderr.put(Buffer.from(`${fault}\n`))
        for (const stream of [stdout, stderr]) stream.end()
        const texts = { stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.truncated || stderr.truncated }
        end({ kind: command.signal.aborted ? 'aborted' : 'ended', ...texts, code, signal })
      })
    })
    if (pid !== undefined) command.onSpawn(pid)
    if (command.signal.aborted) abort()
    else command.signal.addEventListener('abort', abort)
    if (command.stdin !== undefined) child.stdin.write(command.stdin)
    if (!talk) child.stdin.end()
  })

/** Runs a command without a shell in between, in a process group of its own, which is killed when the signal aborts. */
export const runCommand = async (command: Command): Promise<CommandEnd> => {
  const [file = '', ...args] = command.argv
  try {
    const { env, cwd } = command
    return await attend(spawn(file, args, { env, cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] }), command)
  } catch (error) {
    return notStarted(error as NodeJS.ErrnoException, command) // too many arguments, a null byte: thrown at once
  }
}

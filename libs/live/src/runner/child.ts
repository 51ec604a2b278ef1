import { spawn } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { endsWithUs } from './ends-with-us.ts'
import { runnerLimits } from './limits.ts'
import { residentBytes } from './memory.ts'

/** What a process is asked: to load code, to plan a command, to parse what it left, to run a native form. */
export type Question =
  | { readonly ask: 'load'; readonly code: string }
  | { readonly ask: 'plan' | 'native' | 'code'; readonly name: string; readonly input: unknown }
  | { readonly ask: 'parse'; readonly name: string; readonly input: unknown; readonly result: unknown }
/** `threw`: the code said so. `ended`: the process is gone, and why. `aborted`: the asker's signal came first. */
export type Answer =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly message: string }
  | { readonly kind: 'ended'; readonly message: string; readonly signal?: string; readonly stderrTail: string }
  | { readonly kind: 'aborted' }

export type ChildSpec = {
  /** No files, no network, no processes: for code that only reads text. */
  readonly closed: boolean
  readonly env: Readonly<Record<string, string>>
}
export type ChildLimits = { readonly memoryBytesMax: number; readonly outputBytesMax: number }
export type Child = {
  readonly pid: number | undefined
  readonly ended: boolean
  readonly busy: number
  /** Resolves when it listens, or is gone. */
  readonly ready: Promise<void>
  limit(limits: ChildLimits): void
  ask(question: Question, signal: AbortSignal): Promise<Answer>
  kill(why: string): void
}

const program = fileURLToPath(new URL('./module-runner.mjs', import.meta.url))
/**
 * Node's own flags do not cap buffers, so memory is watched from outside; the young generation only keeps an idle process
 * small. What it has compiled while it waited is kept: the first module should find it.
 */
const flags = (closed: boolean) => [
  ...(closed ? ['--permission', `--allow-fs-read=${program}`] : []),
  '--no-warnings',
  '--experimental-vm-modules',
  '--max-semi-space-size=1',
  '--no-flush-bytecode',
]
const frameSlackBytes = 65_536
const defaults: ChildLimits = { memoryBytesMax: 268_435_456, outputBytesMax: 1_048_576 }

/** Starts a process of its own group that holds no module yet. Never throws: one that cannot start answers `ended`. */
export const startChild = ({ closed, env }: ChildSpec): Child => {
  const asked = new Map<number, (answer: Answer) => void>()
  const ready = Promise.withResolvers<void>()
  const state = { limits: defaults, next: 0, killed: '', over: '', stderr: '', written: 0 }
  const [command, ...args] = endsWithUs([
    process.execPath,
    ...flags(closed),
    program,
    ...(closed ? ['--closed'] : []),
  ]) as [string, ...string[]]
  const child = spawn(command, args, {
    env,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const channel = child.stdio[3] as Duplex
  let watch: NodeJS.Timeout | undefined

  let said = ''
  /** What is said in one turn goes out in one piece. */
  const say = (message: object): void => {
    if (said === '') queueMicrotask(flush)
    said += `${JSON.stringify(message)}\n`
  }
  const flush = (): void => {
    channel.write(said)
    said = ''
  }
  const kill = (why: string): void => {
    if (state.over !== '' || state.killed !== '') return
    state.killed = why
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      child.kill('SIGKILL') // the group is not there yet, or gone
    }
  }
  const end = (why: string, signal?: string): void => {
    if (state.over !== '') return
    state.over = state.killed || why
    clearInterval(watch)
    ready.resolve()
    channel.destroy()
    const answer = {
      kind: 'ended' as const,
      message: state.over,
      stderrTail: state.stderr,
      ...(signal ? { signal } : {}),
    }
    for (const resolve of asked.values()) resolve(answer)
    asked.clear()
  }
  const onOutput = (stream: Readable): void => {
    stream.setEncoding('utf8').on('data', (text: string) => {
      state.stderr = `${state.stderr}${text}`.slice(-runnerLimits.stderrTailMax)
      state.written += Buffer.byteLength(text)
      if (state.written > state.limits.outputBytesMax)
        kill(`killed: it wrote more than ${state.limits.outputBytesMax} bytes of output`)
    })
  }
  const onLine = (line: string): void => {
    const { id, ok, value, message } = JSON.parse(line) as {
      id: number
      ok: boolean
      value?: unknown
      message?: string
    }
    if (id === 0) return ready.resolve()
    asked.get(id)?.(ok ? { kind: 'value', value } : { kind: 'threw', message: String(message).slice(0, 2_000) })
  }
  readLines(channel, () => state.limits.outputBytesMax + frameSlackBytes, onLine, kill)
  for (const stream of [child.stdout, child.stderr]) onOutput(stream as Readable)
  child.on('error', error => end(`the process of the module cannot be started: ${error.message}`))
  child.on('exit', (code, signal) =>
    end(signal ? `its process was ended by ${signal}` : `its process ended with ${code}`, signal ?? undefined),
  )
  channel.on('error', () => kill('killed: it closed its channel'))
  child.unref()
  for (const stream of [child.stdout, child.stderr, channel]) (stream as unknown as { unref(): void }).unref()

  const look = (): void => {
    if (child.pid === undefined || residentBytes(child.pid) <= state.limits.memoryBytesMax) return
    kill(`killed: it used more than ${Math.round(state.limits.memoryBytesMax / 2 ** 20)} MiB of memory`)
  }
  const settle = (): void => {
    if (asked.size > 0) return
    clearInterval(watch)
    watch = undefined
    state.written = 0
  }
  return {
    pid: child.pid,
    get ended() {
      return state.over !== '' || state.killed !== ''
    },
    get busy() {
      return asked.size
    },
    ready: ready.promise,
    limit: limits => (state.limits = limits),
    kill,
    ask: (question, signal) => {
      if (state.over !== '') return Promise.resolve({ kind: 'ended', message: state.over, stderrTail: state.stderr })
      if (signal.aborted) return Promise.resolve({ kind: 'aborted' })
      const id = (state.next += 1)
      const { promise, resolve } = Promise.withResolvers<Answer>()
      let grace: NodeJS.Timeout | undefined
      // A native form may obey its signal; code that does not let go is ended with its process, and nobody waits for it.
      const onAbort = (): void => {
        resolve({ kind: 'aborted' })
        say({ id, ask: 'abort' })
        grace = setTimeout(() => kill('killed: a call of it did not end in time'), runnerLimits.abortGraceMs)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      asked.set(id, answer => {
        clearTimeout(grace)
        asked.delete(id)
        settle()
        resolve(answer)
      })
      watch ??= setInterval(look, runnerLimits.memoryEveryMs).unref()
      say({ ...question, id })
      return promise.finally(() => signal.removeEventListener('abort', onAbort))
    },
  }
}

/** Lines of a stream, none longer than `bytesMax`: what a process sends is held here until its line ends. */
const readLines = (
  stream: Duplex,
  bytesMax: () => number,
  onLine: (line: string) => void,
  kill: (why: string) => void,
): void => {
  let kept: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    let rest = chunk
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      const line = Buffer.concat([...kept, rest.subarray(0, at)]).toString('utf8')
      ;[kept, size, rest] = [[], 0, rest.subarray(at + 1)]
      try {
        onLine(line)
      } catch {
        return kill('killed: it spoke something else than answers')
      }
    }
    kept.push(rest)
    size += rest.length
    if (size > bytesMax()) {
      kept = []
      kill(`killed: it answered with more than ${bytesMax()} bytes`)
    }
  })
}

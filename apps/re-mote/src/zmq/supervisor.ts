import { fork, type ChildProcess } from 'node:child_process'
import { brokerLimits } from '../broker/limits.ts'
import { makeOutbox } from '../broker/outbox.ts'
import type { BrokerSays, BrokerStart, ServiceSays } from '../broker/port.ts'
import { together } from './together.ts'
import { readShakes } from '../broker/shakes.ts'

export type BrokerEnd = {
  readonly signal: NodeJS.Signals | null
  readonly code: number | null
  /** The key that shook hands last, when the process was aborted rather than killed. */
  readonly abortedAfter: string | null
}
export type SupervisorDeps = {
  /** What a new broker is told first. */
  start(): BrokerStart
  onSays(batch: readonly BrokerSays[]): void
  onUp(): void
  onEnd(end: BrokerEnd): void
  /** The first broker ended before it listened: its last words. */
  onFailed?(why: string): void
  report(line: string): void
}
export type BrokerProcess = {
  say(item: ServiceSays): void
  readonly pid: number | null
  readonly queued: number
  /** Ends the broker; the next one starts at once, as after any end. */
  restart(): Promise<void>
  close(): Promise<void>
}
/** A broker process, loaded and waiting to be told to start, or at work. */
type Worker = { readonly child: ChildProcess; readonly exited: Promise<void>; words(): string }

const restartMinMs = 5
const restartMaxMs = 5_000
const steadyMs = 10_000
const closeWithinMs = 1_000
const aborts: ReadonlySet<string> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE'])

/**
 * Keeps a broker at work. A spare one is loaded and waits, so that the next broker listens milliseconds after the last one died; when brokers
 * keep dying, they are started ever more slowly.
 */
export const superviseBroker = (deps: SupervisorDeps): BrokerProcess => {
  let working: Worker | undefined
  let spare: Worker | undefined
  let [closing, listened] = [false, false]
  let restart: NodeJS.Timeout | undefined
  let delayMs = restartMinMs
  const outbox = makeOutbox<ServiceSays>(
    (batch, done) => {
      const child = working?.child
      if (child?.connected) child.send(together(batch), undefined, {}, done)
      else done() // what was meant for a dead broker is asked for again at the next hello
      // Whoever says many things to the broker says them in one go.
    },
    { ...brokerLimits, soon: queueMicrotask },
  )

  const onMessage = (batch: readonly BrokerSays[]) => {
    if (!listened && batch.some(item => item.kind === 'listening')) {
      listened = true
      spare ??= load(deps.report)
    }
    deps.onSays(batch)
  }
  const begin = () => {
    const worker = spare?.child.connected ? spare : load(deps.report)
    spare = undefined
    working = worker
    const start = deps.start()
    const startedAt = performance.now()
    const { child } = worker
    child.on('message', message => onMessage(message as readonly BrokerSays[]))
    child.on('exit', (code, signal) => {
      working = undefined
      const abortedAfter = signal !== null && aborts.has(signal) ? (readShakes(start.shakesFile)[0] ?? null) : null
      deps.onEnd({ code, signal, abortedAfter })
      if (closing) return
      if (!listened) return deps.onFailed?.(worker.words() || `the broker ended with ${signal ?? code}`)
      delayMs = performance.now() - startedAt > steadyMs ? restartMinMs : Math.min(restartMaxMs, delayMs * 2)
      restart = setTimeout(begin, delayMs / 2 + Math.random() * (delayMs / 2))
    })
    child.send([start])
    if (listened) spare = load(deps.report)
    // Not in this turn: who supervises needs to have the process it speaks to.
    setImmediate(() => deps.onUp())
  }
  begin()
  return {
    say: outbox.say,
    get pid() {
      return working?.child.pid ?? null
    },
    get queued() {
      return outbox.length
    },
    restart: async () => {
      delayMs = restartMinMs
      if (working) await end(working)
    },
    close: async () => {
      closing = true
      clearTimeout(restart)
      // Batches of this turn still go out; a broker ends when its channel closes.
      await new Promise(setImmediate)
      await Promise.all([working, spare].flatMap(worker => (worker ? [end(worker)] : [])))
    },
  }
}

/** A broker makes much garbage that dies at once; with room for more of it, an agent would cost it a tenth more memory, and a flood half more. */
const leanly = ['--max-semi-space-size=8', '--heap-growing-percent=100']
/** Messages come in bursts: what glibc gives back to the kernel after one, it would fetch again for the next. */
const steadyHeap = { MALLOC_TRIM_THRESHOLD_: String(32 * 2 ** 20), MALLOC_TOP_PAD_: String(2 ** 18) }

const load = (report: (line: string) => void): Worker => {
  const child = fork(new URL('../broker/main.ts', import.meta.url), {
    serialization: 'advanced',
    execArgv: [...process.execArgv, ...leanly],
    env: { ...steadyHeap, ...process.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const exited = Promise.withResolvers<void>()
  child.on('exit', () => exited.resolve())
  child.on('error', error => report(`broker: ${error.message}`))
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-2_000)
    for (const line of text.split('\n')) if (line.trim() !== '') report(`broker: ${line.slice(0, 500)}`)
  })
  return { child, exited: exited.promise, words: () => words.trim() }
}

const end = async ({ child, exited }: Worker): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const kill = setTimeout(() => child.kill('SIGKILL'), closeWithinMs)
  if (child.connected) child.disconnect()
  await exited
  clearTimeout(kill)
}

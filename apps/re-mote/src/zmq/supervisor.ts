import { fork, type ChildProcess } from 'node:child_process'
import { readShakes } from '../broker/shakes.ts'
import { makeOutbox } from '../broker/outbox.ts'
import type { BrokerSays, BrokerStart, ServiceSays } from '../broker/port.ts'
import { brokerLimits } from '../broker/limits.ts'

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
  close(): Promise<void>
}

const restartMinMs = 20
const restartMaxMs = 5_000
const steadyMs = 10_000
const aborts: ReadonlySet<string> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE'])

/** Runs the broker as a child and starts it again, in milliseconds at first, when it dies. */
export const superviseBroker = (deps: SupervisorDeps): BrokerProcess => {
  let child: ChildProcess | undefined
  let closing = false
  let listened = false
  let restart: NodeJS.Timeout | undefined
  let delayMs = restartMinMs
  let exited = Promise.withResolvers<void>()
  const outbox = makeOutbox<ServiceSays>((batch, done) => {
    if (child?.connected) child.send(batch, undefined, {}, done)
    else done() // what was meant for a dead broker is asked for again at the next hello
  }, brokerLimits)

  const begin = () => {
    const { shakesFile, ...rest } = deps.start()
    const startedAt = performance.now()
    const process = fork(new URL('../broker/main.ts', import.meta.url), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    child = process
    exited = Promise.withResolvers<void>()
    process.send([{ ...rest, shakesFile }])
    let words = ''
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = `${words}${text}`.slice(-2_000)
      for (const line of text.split('\n')) if (line.trim() !== '') deps.report(`broker: ${line.slice(0, 500)}`)
    })
    process.on('message', batch => {
      if (listened) return deps.onSays(batch as readonly BrokerSays[])
      listened = (batch as readonly BrokerSays[]).some(item => item.kind === 'listening')
      deps.onSays(batch as readonly BrokerSays[])
    })
    process.on('error', error => deps.report(`broker: ${error.message}`))
    process.on('exit', (code, signal) => {
      if (child === process) child = undefined
      exited.resolve()
      const abortedAfter = signal !== null && aborts.has(signal) ? (readShakes(shakesFile)[0] ?? null) : null
      deps.onEnd({ code, signal, abortedAfter })
      if (!listened && !closing) deps.onFailed?.(words.trim() || `the broker ended with ${signal ?? code}`)
      if (closing) return
      delayMs = performance.now() - startedAt > steadyMs ? restartMinMs : Math.min(restartMaxMs, delayMs * 2)
      restart = setTimeout(begin, delayMs / 2 + Math.random() * (delayMs / 2))
    })
    // Not in this turn: who supervises needs to have the process it speaks to.
    setImmediate(() => deps.onUp())
  }
  begin()
  return {
    say: outbox.say,
    get pid() {
      return child?.pid ?? null
    },
    get queued() {
      return outbox.length
    },
    close: async () => {
      closing = true
      clearTimeout(restart)
      if (!child) return
      // Batches of this turn still go out; the broker ends when the channel closes.
      await new Promise(setImmediate)
      const ending = exited.promise
      const kill = setTimeout(() => child?.kill('SIGKILL'), 1_000)
      if (child?.connected) child.disconnect()
      await ending
      clearTimeout(kill)
    },
  }
}

import { setFlagsFromString } from 'node:v8'
import { ConfigError } from './config.ts'
import { explain } from './explain.ts'

export type ServiceContext = {
  /** Registers what to undo; run in reverse order, also when the start fails half way. */
  onStop(name: string, stop: () => unknown): void
  /** Aborts when the stop begins. */
  readonly stopping: AbortSignal
  /** Stops the service, for example because something it cannot live without has gone. */
  stop(reason: string, exitCode?: number): void
}
/** What a start gives: where the service listens, and what else a parent process wants to know. */
export type Started = { readonly url: string; readonly details?: Readonly<Record<string, unknown>> }
export type Service = { readonly name: string; start(context: ServiceContext): Promise<Started> }

const stopWithinMs = 4000
/** What a part gets that is stopped after another has used up the time. */
const lastChanceMs = 250
const say = (name: string, text: string): void => {
  for (const line of text.split('\n')) process.stderr.write(`${name}: ${line}\n`)
}

type Stop = { readonly name: string; readonly stop: () => unknown }

/** Waits for one stop, at most until `deadline`; answers what went wrong. */
const within = async ({ stop }: Stop, deadline: number): Promise<string | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(() => resolve('did not stop in time'), Math.max(lastChanceMs, deadline - Date.now()))
  })
  const stopped = Promise.resolve()
    .then(stop)
    .then(
      () => undefined,
      (error: unknown) => explain(error),
    )
  return Promise.race([stopped, late]).finally(() => clearTimeout(timer))
}

const stopAll = async (name: string, stops: Stop[]): Promise<void> => {
  const deadline = Date.now() + stopWithinMs
  for (let entry = stops.pop(); entry; entry = stops.pop()) {
    const problem = await within(entry, deadline)
    if (problem) say(name, `stopping ${entry.name}: ${problem}`)
  }
}

/**
 * V8 would let the young generation grow to 128 MB and the old one to four times what lives, and under a steady load never gives it
 * back. The young one stays at what the start took (32 MB); a flood of requests leaves a service 100 MB smaller, and as fast (2 %).
 */
const boundHeap = (): void => {
  for (const flag of ['--semi-space-growth-factor=1', '--heap-growing-percent=100']) setFlagsFromString(flag)
}

/**
 * A service's life as a process: starts, prints one ready line on stdout (and tells an IPC parent), stops on SIGTERM, SIGINT
 * or when the parent goes, in reverse order and within 4 s. Start errors are one line each on stderr; exit code 2 for a bad
 * configuration, 1 otherwise.
 */
export const runService = async ({ name, start }: Service): Promise<void> => {
  boundHeap()
  const stops: Stop[] = []
  const stopping = new AbortController()
  let starting = true
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping.signal.aborted) return
    stopping.abort()
    if (starting) setTimeout(() => process.exit(exitCode || 1), stopWithinMs).unref()
    else process.exit(await stopAll(name, stops).then(() => exitCode))
  }
  // Who read our output may go first; a service does not end, and must not spin, because nobody listens.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const crash = (error: unknown): void => {
    if (stopping.signal.aborted) return
    say(name, `stops because of a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    void stop(1)
  }
  process.once('SIGTERM', () => void stop(0))
  process.once('SIGINT', () => void stop(0))
  if (process.channel) process.once('disconnect', () => void stop(0))
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  const context: ServiceContext = {
    onStop: (what, undo) => void stops.push({ name: what, stop: undo }),
    stopping: stopping.signal,
    stop: (reason, exitCode = 1) => {
      say(name, reason)
      void stop(exitCode)
    },
  }
  const failed = await start(context).then(
    started => {
      if (stopping.signal.aborted) return undefined
      process.stdout.write(`${name} ready ${started.url}\n`)
      // The parent may go as soon as it has read the line above; then `disconnect` says so, and this need not.
      process.send?.({ ready: true, name, ...started }, undefined, {}, () => undefined)
      return undefined
    },
    (error: unknown) => {
      say(name, explain(error))
      return { exitCode: error instanceof ConfigError ? 2 : 1 }
    },
  )
  starting = false
  // A stop that came while we started waits here, so that what was started half way is undone too.
  if (!failed && !stopping.signal.aborted) return
  stopping.abort()
  await stopAll(name, stops)
  process.exit(failed?.exitCode ?? 0)
}

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
export type Started = { readonly url: string; readonly details?: Readonly<Record<string, unknown>> }
export type Service = { readonly name: string; start(context: ServiceContext): Promise<Started> }

const stopWithinMs = 4000
const say = (name: string, line: string): boolean =>
  process.stderr.write(`${name}: ${line.replaceAll('\n', `\n${name}: `)}\n`)

/** Waits for `work` at most until `deadline`; says who was too slow. */
const within = async (work: () => unknown, deadline: number): Promise<string | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(() => resolve('did not stop in time'), Math.max(50, deadline - Date.now()))
  })
  const stopped = Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (error: unknown) => explain(error),
    )
  return Promise.race([stopped, late]).finally(() => clearTimeout(timer))
}

/**
 * A service's life as a process: starts, prints one ready line on stdout (and tells an IPC parent), stops on SIGTERM, SIGINT or when the
 * parent goes, in reverse order and within 4 s. Start errors are one line each on stderr; exit code 2 for a bad configuration, 1 otherwise.
 */
export const runService = async ({ name, start }: Service): Promise<void> => {
  const stops: { name: string; stop: () => unknown }[] = []
  const stopping = new AbortController()
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping.signal.aborted) return
    stopping.abort()
    const deadline = Date.now() + stopWithinMs
    for (const entry of stops.reverse()) {
      const problem = await within(entry.stop, deadline)
      if (problem) say(name, `stopping ${entry.name}: ${problem}`)
    }
    process.exit(exitCode)
  }
  process.once('SIGTERM', () => void stop(0))
  process.once('SIGINT', () => void stop(0))
  if (process.channel) process.once('disconnect', () => void stop(0))
  const crash = (error: unknown): void => {
    say(name, `stops because of a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    void stop(1)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  try {
    const started = await start({
      onStop: (what, undo) => void stops.push({ name: what, stop: undo }),
      stopping: stopping.signal,
      stop: (reason, exitCode = 1) => {
        say(name, reason)
        void stop(exitCode)
      },
    })
    if (stopping.signal.aborted) return
    process.stdout.write(`${name} ready ${started.url}\n`)
    process.send?.({ ready: true, name, ...started })
  } catch (error) {
    say(name, explain(error))
    await stop(error instanceof ConfigError ? 2 : 1)
  }
}

import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync } from 'node:fs'
import { basename } from 'node:path'
import { SupervisorError } from './fault.ts'
import { boundLog, openLog, sizeOf, tailOf } from './log-file.ts'

export type ChildSpec = {
  readonly name: string
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly log: string
  /** The pause before a new start grows from the first to the last while starts fail soon. */
  readonly restartMs: readonly [first: number, last: number]
  /** After SIGTERM; then SIGKILL. */
  readonly stopGraceMs: number
  readonly onRestart?: (why: string) => unknown
}

/** A process that is started again when it ends, until it is stopped. */
export type Child = {
  readonly name: string
  /** Of the process that lives now; null between two. */
  pid(): number | null
  /** Rejects when a process ends before `until` has resolved: how a start fails, with what the process said last. */
  during<A>(until: Promise<A>): Promise<A>
  kill(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

/** One that lived this long has started well: the next pause is the first again. */
const livedWellMs = 10_000
const boundEveryMs = 10_000

export const startChild = (spec: ChildSpec): Child => {
  let current: ChildProcess | null = null
  let stopping = false
  let failures = 0
  let pause: NodeJS.Timeout | undefined
  const listeners = new Set<(error: SupervisorError) => void>()

  const start = (): void => {
    boundLog(spec.log)
    const from = sizeOf(spec.log)
    const started = performance.now()
    const child = spawnInto(spec)
    current = child
    const ended = (how: string) => {
      if (current !== child) return
      current = null
      if (stopping) return
      failures = performance.now() - started >= livedWellMs ? 0 : failures + 1
      const why = `${spec.name} ${how}`
      for (const tell of listeners) tell(new SupervisorError(`${why}; its log: ${spec.log}`, tailOf(spec.log, from)))
      const [first, last] = spec.restartMs
      spec.onRestart?.(why)
      pause = setTimeout(start, Math.min(last, first * 2 ** Math.max(0, failures - 1)))
    }
    child.once('error', error => ended(`cannot be started (${error.message})`))
    child.once('exit', (code, signal) =>
      ended(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    )
  }

  start()
  const bounds = setInterval(() => boundLog(spec.log), boundEveryMs)
  bounds.unref()
  return {
    name: spec.name,
    pid: () => current?.pid ?? null,
    during: async until => {
      const { promise, reject } = Promise.withResolvers<never>()
      listeners.add(reject)
      try {
        return await Promise.race([until, promise])
      } finally {
        listeners.delete(reject)
      }
    },
    kill: signal => void current?.kill(signal),
    stop: async () => {
      stopping = true
      clearTimeout(pause)
      clearInterval(bounds)
      if (current !== null) await stopProcess(current, spec.stopGraceMs)
    },
  }
}

/**
 * In a session of its own, so that Ctrl-C at the terminal reaches the supervisor alone and parts stop in order. The IPC
 * channel tells it when the supervisor has died.
 */
const spawnInto = (spec: ChildSpec): ChildProcess => {
  const log = openLog(spec.log)
  try {
    const [program = '', ...args] = spec.argv
    return spawn(program, args, {
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
      env: spec.environment,
      argv0: basename(program),
    })
  } finally {
    closeSync(log)
  }
}

const stopProcess = (child: ChildProcess, graceMs: number): Promise<void> =>
  new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resolve()
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill('SIGTERM')
  })

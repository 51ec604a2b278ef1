import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Happened, LifeOrder, LifeWorker } from '@re-ops/re-core/testing'

/** A worker process, as the one that kills it sees it. */
export type WorkerProcess = {
  /** Begins, or counts steps anew. */
  readonly order: (holds: LifeOrder['holds']) => void
  /** Steps each system came to since the last order. */
  readonly steps: (system: string) => readonly string[]
  readonly isHeld: (system: string) => boolean
  /** SIGKILL; resolves when the process is no more. */
  readonly kill: () => Promise<void>
}

const program = join(dirname(createRequire(import.meta.url).resolve('@re-ops/re-core/testing')), 'life-worker.ts')

const startOne = async (told: LifeWorker): Promise<WorkerProcess> => {
  const child: ChildProcess = spawn(process.execPath, [program, JSON.stringify(told)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const loaded = Promise.withResolvers<void>()
  const seen = new Map<string, string[]>()
  const held = new Set<string>()
  child.on('message', (happened: Happened) => {
    if (happened.kind === 'loaded') return loaded.resolve()
    if (happened.kind === 'held') held.add(happened.system)
    else seen.set(happened.system, [...(seen.get(happened.system) ?? []), happened.step])
  })
  await Promise.race([
    loaded.promise,
    exited.then(([code]) => Promise.reject(new Error(`a worker process ended with ${code}`))),
  ])
  return {
    order: holds => {
      seen.clear()
      child.send({ holds } satisfies LifeOrder)
    },
    steps: system => seen.get(system) ?? [],
    isHeld: system => held.has(system),
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Worker processes one after the other; the next one is loaded while this one works, so that a kill costs no start. */
export const makeWorkers = (told: LifeWorker) => {
  let next = startOne(told)
  let current: WorkerProcess | null = null
  return {
    /** The one at work: a new one when there is none. */
    current: async (): Promise<WorkerProcess> => {
      if (current !== null) return current
      current = await next
      next = startOne(told)
      return current
    },
    kill: async (): Promise<void> => {
      await current?.kill()
      current = null
    },
    stop: async (): Promise<void> => {
      await current?.kill()
      await (await next).kill()
    },
  }
}
export type Workers = ReturnType<typeof makeWorkers>

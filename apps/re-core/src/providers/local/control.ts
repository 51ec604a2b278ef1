import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { ProviderError } from '@re-ops/protocols'
import { logOf, readRecord, writeRecord } from './machine.ts'
import { carriesMark, liveProcess, markName, markedProcesses, sameProcessLives, type LiveProcess } from './process.ts'

/** Of our own environment a machine gets only these: never a database address or a key. */
const passedOn = ['PATH', 'HOME', 'LANG', 'TZ', 'REOPS_LOG_LEVEL', 'REOPS_FAULTS', 'REOPS_PROOF_KIT'] as const

const environmentOf = (folder: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(passedOn.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
  [markName]: folder,
})

/**
 * The machine's agent, if it lives: by the pid written down when its start time and mark agree, else by a walk over
 * the process table (the caller that started it may have died before writing the pid).
 */
export const findAgent = async (folder: string): Promise<LiveProcess | null> => {
  const record = await readRecord(folder)
  if (record !== null && (await sameProcessLives(record)) && (await carriesMark(record.pid, folder))) return record
  return (await markedProcesses()).find(one => one.folder === folder && one.isAgent) ?? null
}

/** The agents of many folders; walks the process table once at most. */
export const findAgents = async (folders: readonly string[]): Promise<ReadonlyMap<string, LiveProcess>> => {
  const found = new Map<string, LiveProcess>()
  for (const folder of folders) {
    const record = await readRecord(folder)
    if (record !== null && (await sameProcessLives(record)) && (await carriesMark(record.pid, folder)))
      found.set(folder, record)
  }
  if (found.size === folders.length) return found
  const wanted = new Set(folders)
  for (const one of await markedProcesses())
    if (one.isAgent && wanted.has(one.folder) && !found.has(one.folder)) found.set(one.folder, one)
  return found
}

/**
 * Starts the agent, detached: it outlives us. With `guarded`, flock(1) takes a lock on the folder and becomes the agent
 * (--no-fork), so the kernel holds the lock for exactly as long as the agent lives: a second start, from whichever
 * worker, ends at once, and no crash leaves a lock behind.
 */
export const startAgent = async (command: readonly string[], folder: string, guarded: boolean): Promise<void> => {
  const agent = [...command, '--state', folder]
  const argv = guarded ? ['flock', '-n', '-F', join(folder, 'machine.lock'), ...agent] : agent
  const log = openSync(logOf(folder), 'a', 0o600)
  try {
    const child = spawn(argv[0] as string, argv.slice(1), {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log, log],
      env: environmentOf(folder),
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', error =>
        reject(new ProviderError('transient', 'not-applied', `cannot start ${argv[0]}: ${error.message}`)),
      )
    })
    child.unref()
    const live = child.pid === undefined ? null : await liveProcess(child.pid)
    if (live !== null) await writeRecord(folder, live)
  } finally {
    closeSync(log)
  }
}

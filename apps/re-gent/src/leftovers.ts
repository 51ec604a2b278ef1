import { readFileSync } from 'node:fs'
import type { Id } from '@re-ops/protocols'
import { readdir, readFile } from './files.ts'
import type { Spawned } from './journal.ts'

const roundsMax = 5

/** The start time of a process as the kernel counts it (field 22 of /proc/PID/stat), `''` where there is no /proc. */
export const processSince = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return '' // gone already, or no /proc
  }
}

/** Kills; a process that is gone or not ours to kill is no error. */
export const kill = (pid: number): boolean => {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

const callOf = async (pid: string): Promise<string | null> => {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
  return /(?:^|\0)REOPS_CALL_ID=([^\0]*)/.exec(environment)?.[1] ?? null
}

/** Processes that carry one of these call ids in their environment, wherever they moved in the process tree. */
const carriers = async (ids: ReadonlySet<string>): Promise<number[]> => {
  const pids = (await readdir('/proc').catch(() => [] as string[])).filter(name => /^\d+$/.test(name))
  const found: number[] = []
  for (let at = 0; at < pids.length; at += 64) {
    const batch = pids.slice(at, at + 64)
    const calls = await Promise.all(batch.map(callOf))
    calls.forEach((id, i) => {
      if (id !== null && ids.has(id) && Number(batch[i]) !== process.pid) found.push(Number(batch[i]))
    })
  }
  return found
}

/**
 * Kills what is left of these calls: the process groups we recorded, when the leader is still the process it was, and
 * every process that carries one of the ids. Repeats while it finds some, because a process may fork during the look.
 */
export const killLeftovers = async (calls: ReadonlyMap<Id, Spawned | null>): Promise<number> => {
  let killed = 0
  for (const spawned of calls.values())
    if (spawned && spawned.since !== '' && processSince(spawned.pid) === spawned.since && kill(-spawned.pid))
      killed += 1
  const ids = new Set<string>(calls.keys())
  for (let round = 0; round < roundsMax && ids.size > 0; round += 1) {
    const found = await carriers(ids)
    if (found.length === 0) break
    killed += found.filter(pid => kill(pid)).length
  }
  return killed
}

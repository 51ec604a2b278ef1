import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { codeOf } from './fault.ts'

/** What re-core's local provider puts into the environment of every process of a machine. */
const mark = 'REOPS_MACHINE_FOLDER='

const environmentOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return '' // ended meanwhile, or not ours to see
  }
}

/** Processes of the machines under a state folder. Where there is no /proc, none are seen. */
const machineProcesses = (state: string): number[] => {
  const below = `${mark}${Buffer.from(join(state, 'local') + sep, 'utf8').toString('latin1')}`
  let names: string[]
  try {
    names = readdirSync('/proc')
  } catch {
    return []
  }
  return names
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid =>
      environmentOf(pid)
        .split('\0')
        .some(one => one.startsWith(below)),
    )
}

/**
 * The net under `--power-off-local`: whatever of a machine still lives is killed, so that a stop leaves nothing behind even
 * when that command did not get through in time. An agent is safe to kill at any moment.
 */
export const killMachines = (state: string): void => {
  for (const pid of machineProcesses(state)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (codeOf(error) !== 'ESRCH') throw error
    }
  }
}

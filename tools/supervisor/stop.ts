import { spawn } from 'node:child_process'
import type { Child } from './child.ts'
import type { Database } from './database.ts'
import { killMachines } from './machines.ts'
import { argvOf } from './parts.ts'

/** What has come up so far. */
export type Parts = {
  database?: Database
  mote?: Child
  core?: Child
  agent?: Child
  /** What powers off the machines of this computer. */
  machines?: { readonly state: string; readonly environment: Readonly<Record<string, string>> }
}

const powerOffLimitMs = 3_500

/**
 * Within 5 s. re-core, re-mote and this machine's agent stop while the machines are powered off: re-core, even if it sees
 * one go, would wait longer than it lives before it starts it again. What is left of a machine then is killed; Postgres
 * goes last.
 */
export const stopParts = async ({ database, mote, core, agent, machines }: Parts): Promise<void> => {
  await Promise.all([core?.stop(), machines && powerOff(machines.environment), agent?.stop(), mote?.stop()])
  if (machines) killMachines(machines.state)
  await database?.stop()
}

/** re-core's own command: its machines stop, what is wanted of them stays as it is. */
const powerOff = (environment: Readonly<Record<string, string>>): Promise<void> =>
  new Promise(resolve => {
    const [program = '', ...args] = argvOf('core', '--power-off-local')
    const child = spawn(program, args, {
      stdio: 'ignore',
      detached: true,
      env: environment,
      timeout: powerOffLimitMs,
      killSignal: 'SIGKILL',
    })
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })

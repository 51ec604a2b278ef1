import { spawn } from 'node:child_process'
import type { Child } from './child.ts'
import type { Database } from './database.ts'
import { argvOf } from './parts.ts'

/** What has come up so far. */
export type Parts = {
  database?: Database
  mote?: Child
  core?: Child
  agent?: Child
  /** re-core's environment, for powering off the machines of this computer. */
  powerOffEnvironment?: Readonly<Record<string, string>>
}

const powerOffLimitMs = 2_500

/**
 * Within 5 s and in this order: re-core first, so that it does not start the machines again that are powered off next;
 * then the machines, this machine's agent and re-mote together; Postgres last.
 */
export const stopParts = async ({ database, mote, core, agent, powerOffEnvironment }: Parts): Promise<void> => {
  await core?.stop()
  await Promise.all([powerOffEnvironment && powerOff(powerOffEnvironment), agent?.stop(), mote?.stop()])
  await database?.stop()
}

/** re-core's own command: its machines stop, what is wanted of them stays as it is. */
const powerOff = (environment: Readonly<Record<string, string>>): Promise<void> =>
  new Promise(resolve => {
    const [program = '', ...args] = argvOf('core', '--power-off-local')
    const child = spawn(program, args, { stdio: 'ignore', detached: true, env: environment, timeout: powerOffLimitMs })
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })

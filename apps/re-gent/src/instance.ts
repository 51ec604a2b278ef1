import { existsSync, readFileSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createOnce, syncFolder } from './durable.ts'
import { AgentExit, exitCodes } from './exit.ts'

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8').trim() || null
  } catch {
    return null // absent, or for root alone: the next source is asked
  }
}

/** What makes this machine this machine: given, else the DMI UUID, else the machine-id, else the host name. */
export const readInstance = (given: string | undefined): string =>
  given ??
  read('/sys/class/dmi/id/product_uuid') ??
  read('/etc/machine-id') ??
  read('/var/lib/dbus/machine-id') ??
  hostname()

/** What belongs to one instance; a copy of it on another machine is never used. */
const boundNames = [
  'instance',
  'identity.json',
  'keys.json',
  'journal',
  'ring',
  'samples',
  'schedules.json',
  'agent.json',
] as const

/**
 * Binds the state folder to the instance. On another machine than before (a clone, a copied disk) everything that
 * belonged to the first is discarded and we enrol anew; without a token we stay out (AgentExit, code 4) and keep the
 * folder as it is.
 */
export const bindInstance = async (
  state: string,
  instance: string,
  hasToken: boolean,
): Promise<'bound' | 'rebound'> => {
  const path = join(state, 'instance')
  const bound = read(path)
  if (bound === instance) return 'bound'
  if (bound === null) {
    if (existsSync(path)) rmSync(path)
    await createOnce(path, `${instance}\n`)
    return 'bound'
  }
  if (!hasToken)
    throw new AgentExit(
      exitCodes.refused,
      `the state folder ${state} belongs to the instance ${bound}, this is ${instance}; give a token (REGENT_TOKEN) to enrol anew`,
    )
  // The binding goes last: a crash between leaves it in place and the discarding is done again.
  for (const name of boundNames.toReversed()) rmSync(join(state, name), { recursive: true, force: true })
  await syncFolder(state)
  await createOnce(path, `${instance}\n`)
  return 'rebound'
}

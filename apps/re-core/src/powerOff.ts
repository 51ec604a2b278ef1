import { explain, type Environment } from '@re-ops/service'
import { readConfig } from './config.ts'
import { powerOffAll } from './providers/local/control.ts'

const graceMs = 1_000

/**
 * Powers off every machine of the local provider's folder, as when the computer is switched off: needs no Postgres and
 * changes nothing that is wanted, so the next start of re-core starts them again. Stop re-core first.
 */
export const powerOffLocal = async (environment: Environment): Promise<void> => {
  try {
    const count = await powerOffAll((await readConfig(environment)).localFolder, graceMs)
    process.stdout.write(`re-core: ${count} local machines powered off\n`)
  } catch (error) {
    process.stderr.write(`re-core: ${explain(error)}\n`)
    process.exitCode = 1
  }
}

import { localFolderOf } from './folders.ts'
import { powerOffAll } from './providers/local/power.ts'

const graceMs = 1_000

/**
 * Powers off every machine of the local provider's folder, as when the computer is switched off: needs no Postgres and
 * changes nothing that is wanted, so the next start of re-core starts them again. Stop re-core first. It loads next to
 * nothing, because the supervisor has little time at Ctrl-C.
 */
export const powerOffLocal = async (environment: Readonly<Record<string, string | undefined>>): Promise<void> => {
  try {
    const count = await powerOffAll(localFolderOf(environment), graceMs)
    process.stdout.write(`re-core: ${count} local machines powered off\n`)
  } catch (error) {
    process.stderr.write(`re-core: ${(error as Error).message}\n`)
    process.exitCode = 1
  }
}

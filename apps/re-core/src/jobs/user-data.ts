import { ProviderError } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { Deps } from './attempt.ts'

/** What sealed user-data is bound to: it opens for its system alone. */
export const userDataContext = (system: string): string => `user-data|${system}`

/** The user-data of a system; asked for only where its row says that there is some. */
export const userDataOfRow = async (deps: Deps, row: SystemRow): Promise<string | undefined> => {
  if (row.options.userData === undefined) return undefined
  const sealed = await deps.store.userData(row)
  if (sealed === null) throw new ProviderError('bug', 'not-applied', 'the user-data of the system is not there')
  try {
    return deps.cipher.open(sealed, userDataContext(row.id))
  } catch (error) {
    throw new ProviderError('bug', 'not-applied', `the user-data cannot be opened: ${(error as Error).message}`)
  }
}

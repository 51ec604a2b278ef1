import type { ParkedFor, ProviderError } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { ParkedAccount } from '../store/parked.ts'
import type { Deps, Outcome } from './attempt.ts'

const kinds: ReadonlySet<string> = new Set(['auth', 'denied', 'quota'])
/** What no retry mends, but a person. */
export const isParking = (error: ProviderError): boolean => kinds.has(error.kind)

type Pause = Extract<Outcome, { kind: 'pause' }>

/**
 * Credentials that are refused stop everything in the account; a quota that is full, or a right that is missing, stops
 * new machines alone.
 */
const refusedBy = ({ kind }: ProviderError, isCreate: boolean): ParkedFor | null => {
  if (kind === 'auth') return 'all'
  return isCreate ? 'create' : null
}

/** One notice for the account, and its machines wait until one of them may try again. */
export const park = async (deps: Deps, row: SystemRow, error: ProviderError): Promise<Pause> => {
  const what = refusedBy(error, row.ref === null && row.desired !== 'absent')
  if (what !== null) await deps.store.park(row, what, error.message, deps.parkedMs)
  return { kind: 'pause', reason: error.message, afterMs: error.retryAfterMs ?? deps.parkedMs }
}

export const unpark = ({ store }: Deps, row: SystemRow, what: ParkedFor): Promise<void> => store.unpark(row, what)

const isMeant = ({ what }: ParkedAccount, row: SystemRow): boolean =>
  what === 'all' || (what === 'create' && row.ref === null && row.desired !== 'absent')

/** Why the row's next step waits with its account, and until when (ms since 1970); null: it may go on. */
export const waitsWithAccount = async (
  deps: Deps,
  row: SystemRow,
): Promise<{ readonly reason: string; readonly until: number } | null> => {
  // This computer is nobody's account, so nothing is ever refused there.
  if (row.provider === 'local') return null
  const parked = await deps.store.parked(row)
  if (parked === null || !isMeant(parked, row) || (await deps.store.mayTry(row, deps.parkedMs))) return null
  const until = Math.max(parked.until, deps.now() + 1_000)
  return { reason: `account ${row.account} is refused, and waits: ${parked.why}`, until }
}

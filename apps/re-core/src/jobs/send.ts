import { type CreateRequest, ProviderError } from '@re-ops/protocols'
import { unborn, type Attempt, type Deps, type Outcome } from './attempt.ts'
import type { SystemRow } from '../store/row.ts'
import { openRequest } from './freeze.ts'
import { park, unpark } from './park.ts'
import { untold } from './untold.ts'

/**
 * The create call. `sent_at` is committed first, so a worker that dies anywhere after it leaves a row that says "a
 * machine may exist"; the one that comes next sends the very same request again.
 */
export const send = async (
  deps: Deps,
  { row: before, pending, signal, provider, ahead }: Attempt,
): Promise<Outcome> => {
  const isFirst = before.sentAt === null
  const now = deps.now()
  const row = await deps.store.write(
    before,
    {
      ...pending,
      phase: 'requested',
      reason: null,
      sentAt: before.sentAt ?? now,
      createCalledAt: before.createCalledAt ?? now,
    },
    now,
  )
  if (row === null) return { kind: 'fenced' }
  const request = openRequest(deps, row)
  await deps.at?.('create.sent', row.id)
  if (isFirst) deps.onCreateCall?.(deps.now() - row.createdAt)
  let ref: string
  try {
    ref = (await provider.create(request, signal, isFirst ? await ahead : undefined)).ref
  } catch (error) {
    return refused(deps, { row, signal, isFirst, provider }, untold(error, request), request)
  }
  await deps.at?.('create.answered', row.id)
  if (row.attempt > 0) await unpark(deps, row, 'create')
  const saved = await deps.store.saveRef(row, ref, deps.now())
  await deps.at?.('create.saved', row.id)
  if (saved === null || saved.leaseEpoch !== row.leaseEpoch) return { kind: 'fenced' }
  return { kind: 'go', row: saved, seen: {} }
}

const nextCandidate = (row: SystemRow, reason: string): Unmade => ({
  kind: 'pause',
  reason,
  afterMs: 0,
  changes: { ...unborn, candidate: row.candidate + 1 },
})

/** How long an offering that had run out is passed over. */
const scarceMs = 60_000

/**
 * What follows when nothing was made: at once, unless this request was sent before and may have made a machine that does
 * not show yet; then only when none can land any more and none is found.
 */
const whenUnmade = async (deps: Deps, sent: Sent, request: CreateRequest, next: Unmade): Promise<Outcome> => {
  const { row, isFirst, signal, provider } = sent
  if (isFirst) return next
  const landed = (row.sentAt ?? 0) + provider.caps.latestLandingMs + provider.caps.maxVisibilityLagMs
  if (deps.now() < landed) return { kind: 'pause', reason: next.reason }
  const [found] = await provider.findByIdentity(request.identity, signal)
  return found === undefined ? next : adopted(deps, row, found.ref)
}
type Unmade = Outcome & { readonly reason: string }

/** Nothing to be had there: the next place. */
const scarce = async (deps: Deps, sent: Sent, reason: string, request: CreateRequest): Promise<Outcome> => {
  if (request.offering !== undefined) await deps.store.noteScarce(sent.row, request.offering, deps.now() + scarceMs)
  return whenUnmade(deps, sent, request, nextCandidate(sent.row, reason))
}

const adopted = async (deps: Deps, row: SystemRow, ref: string): Promise<Outcome> => {
  const saved = await deps.store.saveRef(row, ref, deps.now())
  return saved === null || saved.leaseEpoch !== row.leaseEpoch
    ? { kind: 'fenced' }
    : { kind: 'go', row: saved, seen: {} }
}

type Sent = Pick<Attempt, 'row' | 'signal' | 'provider'> & { readonly isFirst: boolean }

const refused = async (deps: Deps, sent: Sent, error: unknown, request: CreateRequest): Promise<Outcome> => {
  const { row, isFirst, signal, provider } = sent
  if (!(error instanceof ProviderError))
    return { kind: 'pause', reason: `the create call broke off (${(error as Error).message}); sending it again` }
  const { kind, message } = error
  // Nothing was made and nothing was sent before: the row may forget that it sent.
  const unsent = error.outcome === 'not-applied' && isFirst ? { sentAt: null } : {}
  switch (kind) {
    case 'capacity':
      return scarce(deps, sent, message, request)
    case 'identity-spent':
      return nextCandidate(row, message)
    case 'identity-mismatch': {
      const [found] = await provider.findByIdentity(request.identity, signal)
      if (found === undefined) return { kind: 'pause', reason: message }
      return adopted(deps, row, found.ref)
    }
    case 'quota':
    case 'auth':
    case 'denied':
      return { ...(await park(deps, row, error)), changes: unsent }
    case 'invalid':
    case 'conflict':
    case 'unsupported':
    case 'bug':
      // Who asks once more begins anew, and is told anew.
      return error.outcome === 'not-applied'
        ? whenUnmade(deps, sent, request, { kind: 'failed', reason: message, changes: { sentAt: null } })
        : { kind: isFirst ? 'failed' : 'pause', reason: message }
    default:
      return {
        kind: 'pause',
        reason: message,
        changes: unsent,
        ...(error.retryAfterMs === undefined ? {} : { afterMs: error.retryAfterMs }),
      }
  }
}

import { type CreateRequest, ProviderError } from '@re-ops/protocols'
import { unborn, type Attempt, type Deps, type Outcome } from './attempt.ts'
import { openRequest } from './freeze.ts'

/** How long an account problem is left alone: it takes a person to mend it. */
const parkedMs = 60_000

/**
 * The create call. `sent_at` is committed first, so a worker that dies anywhere after it leaves a row that says "a
 * machine may exist"; the one that comes next sends the very same request again.
 */
export const send = async (deps: Deps, { row: before, pending, signal }: Attempt): Promise<Outcome> => {
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
    ref = (await deps.provider(row.provider).create(request, signal)).ref
  } catch (error) {
    return refused(deps, { row, signal, isFirst }, error, request)
  }
  await deps.at?.('create.answered', row.id)
  const saved = await deps.store.saveRef(row, ref, deps.now())
  await deps.at?.('create.saved', row.id)
  if (saved === null || saved.leaseEpoch !== row.leaseEpoch) return { kind: 'fenced' }
  return { kind: 'go', row: saved, seen: {} }
}

type Sent = Pick<Attempt, 'row' | 'signal'> & { readonly isFirst: boolean }

const refused = async (deps: Deps, sent: Sent, error: unknown, request: CreateRequest): Promise<Outcome> => {
  const { row, isFirst, signal } = sent
  if (!(error instanceof ProviderError))
    return { kind: 'pause', reason: `the create call broke off (${(error as Error).message}); sending it again` }
  const { kind, message } = error
  // Nothing was made and nothing was sent before: the row may forget that it sent.
  const unsent = error.outcome === 'not-applied' && isFirst ? { sentAt: null } : {}
  switch (kind) {
    case 'capacity':
    case 'identity-spent':
      return isFirst || kind === 'identity-spent'
        ? { kind: 'pause', reason: message, afterMs: 0, changes: { ...unborn, candidate: row.candidate + 1 } }
        : { kind: 'pause', reason: message }
    case 'identity-mismatch': {
      const [found] = await deps.provider(row.provider).findByIdentity(request.identity, signal)
      if (found === undefined) return { kind: 'pause', reason: message }
      const saved = await deps.store.saveRef(row, found.ref, deps.now())
      return saved === null || saved.leaseEpoch !== row.leaseEpoch
        ? { kind: 'fenced' }
        : { kind: 'go', row: saved, seen: {} }
    }
    case 'quota':
    case 'auth':
    case 'denied':
      return { kind: 'pause', reason: message, afterMs: parkedMs, changes: unsent }
    case 'invalid':
    case 'conflict':
    case 'unsupported':
    case 'bug':
      return isFirst ? { kind: 'failed', reason: message } : { kind: 'pause', reason: message }
    default:
      return {
        kind: 'pause',
        reason: message,
        changes: unsent,
        ...(error.retryAfterMs === undefined ? {} : { afterMs: error.retryAfterMs }),
      }
  }
}

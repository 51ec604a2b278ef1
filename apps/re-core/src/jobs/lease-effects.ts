import { newOp } from '../providers/op.ts'
import type { Attempt, Deps, Outcome } from './attempt.ts'

/** Marks the machine with the end of its lease, or takes the mark away. */
export const setExpiry = async (deps: Deps, { row, pending, signal, provider }: Attempt): Promise<Outcome> => {
  const { leaseExpiresAt } = row
  const expiresAt = leaseExpiresAt === null ? null : new Date(leaseExpiresAt).toISOString()
  await deps.at?.('set-expiry.before', row.id)
  await provider.act(row.ref ?? '', { kind: 'setExpiry', expiresAt }, newOp(deps.now()), signal)
  await deps.at?.('set-expiry.after', row.id)
  const next = await deps.store.write(row, { ...pending, leaseThere: leaseExpiresAt }, deps.now())
  return next === null ? { kind: 'fenced' } : { kind: 'go', row: next, seen: {} }
}

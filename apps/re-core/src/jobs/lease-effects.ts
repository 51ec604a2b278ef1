import { newOp } from '../providers/op.ts'
import type { Attempt, Deps, Outcome } from './attempt.ts'
import { written } from './written.ts'

/** Marks the machine with the end of its lease, or takes the mark away. */
export const setExpiry = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row, signal, provider } = attempt
  const { leaseExpiresAt } = row
  const expiresAt = leaseExpiresAt === null ? null : new Date(leaseExpiresAt).toISOString()
  await deps.at?.('set-expiry.before', row.id)
  await provider.act(row.ref ?? '', { kind: 'setExpiry', expiresAt }, newOp(deps.now()), signal)
  await deps.at?.('set-expiry.after', row.id)
  return written(deps, attempt, { leaseThere: leaseExpiresAt })
}

import type { Changes } from '../store/systems.ts'
import type { Attempt, Deps, Outcome } from './attempt.ts'

/** Writes what a step came to, with what was pending; what was seen before is looked at anew. */
export const written = async (
  deps: Deps,
  { row, pending }: Attempt,
  changes: Changes,
  at = deps.now(),
): Promise<Outcome> => {
  const next = await deps.store.write(row, { ...pending, ...changes }, at)
  return next === null ? { kind: 'fenced' } : { kind: 'go', row: next, seen: {} }
}

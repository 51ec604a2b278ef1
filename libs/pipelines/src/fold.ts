import type { Failed, Failure, HostRef, HostResult, Ok, Outcome, Varies } from '@re-ops/protocols'
import { canonical, without } from './canonical.ts'
import { foldedOut } from './varies.ts'

/** Hosts with the same result. `value` (or `failure`) is that of the first; `results` holds all, in the order given. */
export type Group<A> =
  | { readonly ok: true; readonly value: A; readonly hosts: readonly HostRef[]; readonly results: readonly Ok<A>[] }
  | {
      readonly ok: false
      readonly failure: Failure
      readonly hosts: readonly HostRef[]
      readonly results: readonly Failed[]
    }

/**
 * Identical results as one group: failures first, then what few hosts say, the biggest group last, so that what differs
 * is seen. `varies` names fields (paths) that differ by nature and are left out of the comparison; `fold` makes values equal that are
 * close (operation.ts). An operation is such options.
 */
export const foldResults = <A>(results: Outcome<A>, options: FoldOptions = {}): Group<A>[] => {
  const compared = comparedIn(options)
  const groups = Map.groupBy(results, result => sameness(result, compared))
  return [...groups.values()].map(group).sort(failuresFirst)
}

type FoldOptions = { readonly varies?: Varies; fold?(value: unknown): unknown }

/** A `fold` that cannot read a value (another version's, say) leaves it as it is. */
const comparedIn = ({ varies, fold }: FoldOptions) => {
  const leftOut = foldedOut(varies)
  return (value: unknown): unknown => {
    try {
      return without(fold ? fold(value) : value, leftOut)
    } catch {
      return without(value, leftOut)
    }
  }
}

const sameness = (result: HostResult<unknown>, compared: (value: unknown) => unknown): string => {
  if (result.ok) return `ok ${canonical(compared(result.value))}`
  const { kind, message, step, code, signal, started } = result.failure
  return canonical([kind, message, step, code, signal, started])
}

const group = <A>(results: readonly HostResult<A>[]): Group<A> => {
  const hosts = results.map(result => result.host)
  const first = results[0] as HostResult<A>
  return first.ok
    ? { ok: true, value: first.value, hosts, results: results as Ok<A>[] }
    : { ok: false, failure: first.failure, hosts, results: results as Failed[] }
}

const failuresFirst = (a: Group<unknown>, b: Group<unknown>) =>
  Number(a.ok) - Number(b.ok) || a.hosts.length - b.hosts.length || firstName(a).localeCompare(firstName(b))
const firstName = (group: Group<unknown>) => group.hosts[0]?.name ?? ''

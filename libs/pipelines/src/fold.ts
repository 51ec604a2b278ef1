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
 * is seen. `varies` names fields (paths) that differ by nature and are left out of the comparison.
 */
export const foldResults = <A>(results: Outcome<A>, options: { readonly varies?: Varies } = {}): Group<A>[] => {
  const varies = foldedOut(options.varies)
  const groups = Map.groupBy(results, result => sameness(result, varies))
  return [...groups.values()].map(group).sort(failuresFirst)
}

const sameness = (result: HostResult<unknown>, varies: readonly string[]): string => {
  if (result.ok) return `ok ${canonical(without(result.value, varies))}`
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

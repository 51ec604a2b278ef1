import type { Failed, HostRef, Ok, Outcome } from '@re-ops/protocols'
import { canonical } from '../canonical.ts'

export type OutcomeGroups<A, K> = { groups: { key: K; hosts: HostRef[]; results: Ok<A>[] }[]; failed: Failed[] }

/**
 * The ok results by what `f` says of each (compared as data), the biggest group first. The others are beside, in `failed`,
 * since a host is never left out of an answer.
 */
export const groupOutcome = <A, K>(outcome: Outcome<A>, f: (result: Ok<A>) => K): OutcomeGroups<A, K> => {
  const keyed = outcome.filter(result => result.ok).map(result => ({ key: f(result), result }))
  const groups = [...Map.groupBy(keyed, one => canonical(one.key)).values()].map(members => ({
    key: (members[0] as (typeof keyed)[number]).key,
    hosts: members.map(one => one.result.host),
    results: members.map(one => one.result),
  }))
  return {
    groups: groups.sort((a, b) => b.hosts.length - a.hosts.length),
    failed: outcome.filter(result => !result.ok),
  }
}

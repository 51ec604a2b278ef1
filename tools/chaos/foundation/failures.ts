import type { Target } from '@re-ops/protocols'

/** What failed where, and why: a host whose agent was killed is unreachable for some seconds; others should hardly be. */
export const failuresOf = (targets: readonly Target[]): string[] => {
  const failed = targets.filter(target => target.state !== 'ok')
  const why = ({ state, failure }: Target) => `${state} (${(failure?.message ?? '').slice(0, 100)})`
  return [...Map.groupBy(failed, why)].map(([what, them]) => {
    const hosts = [...Map.groupBy(them, target => target.host.name)].map(([host, of]) => `${host} ${of.length}`)
    return `${what}: ${hosts.join(', ')}`
  })
}

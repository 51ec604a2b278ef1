import { ProviderError, type Firewall, type FirewallApi, type FirewallRule } from '@re-ops/protocols'
import { acting, destroying, listing, reading, type DoCall } from './client.ts'
import { numberOf } from './observe.ts'
import { all } from './pages.ts'

type Rule = { readonly protocol: FirewallRule['protocol']; readonly ports: string }
type Inbound = Rule & { readonly sources: { readonly addresses?: readonly string[] } }
type Outbound = Rule & { readonly destinations: { readonly addresses?: readonly string[] } }
type DoFirewall = {
  readonly id: string
  readonly name: string
  readonly inbound_rules: readonly Inbound[] | null
  readonly outbound_rules: readonly Outbound[] | null
  readonly droplet_ids: readonly number[] | null
  readonly tags: readonly string[] | null
}

/** All ports are `0` there; a rule for ICMP must name ports too. */
const allPorts = '0'
const rule = (direction: 'in' | 'out', { protocol, ports }: Rule, addresses: readonly string[] = []): FirewallRule => ({
  direction,
  protocol,
  ports: ports === allPorts || ports === 'all' || ports === '' ? null : ports,
  peers: addresses,
})
const firewall = (one: DoFirewall): Firewall => ({
  ref: one.id,
  name: one.name,
  rules: [
    ...(one.inbound_rules ?? []).map(own => rule('in', own, own.sources.addresses)),
    ...(one.outbound_rules ?? []).map(own => rule('out', own, own.destinations.addresses)),
  ],
})

const textOf = ({ direction, protocol, ports, peers }: FirewallRule): string =>
  JSON.stringify([direction, protocol, ports, peers.toSorted()])
const distinct = (rules: readonly FirewallRule[]): FirewallRule[] => [
  ...new Map(rules.map(one => [textOf(one), one])).values(),
]
const same = (a: readonly FirewallRule[], b: readonly FirewallRule[]): boolean =>
  JSON.stringify(a.map(textOf).toSorted()) === JSON.stringify(b.map(textOf).toSorted())

const bodyOf = (name: string, rules: readonly FirewallRule[]) => {
  const of = (direction: 'in' | 'out') => rules.filter(one => one.direction === direction)
  const plain = ({ protocol, ports }: FirewallRule) => ({ protocol, ports: ports ?? allPorts })
  return {
    name,
    inbound_rules: of('in').map(one => ({ ...plain(one), sources: { addresses: [...one.peers] } })),
    outbound_rules: of('out').map(one => ({ ...plain(one), destinations: { addresses: [...one.peers] } })),
  }
}

const seen = async (call: DoCall, ref: string, signal: AbortSignal): Promise<DoFirewall | null> => {
  const path = `/firewalls/${encodeURIComponent(ref)}`
  try {
    return (await call(reading, signal, (_api, http) => http.get<{ firewall: DoFirewall }>(path))).firewall
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'not-found') return null
    throw error
  }
}

/** Firewalls of the account, by name. Changing one's rules leaves whom it protects. */
export const makeFirewalls = (call: DoCall): FirewallApi => ({
  ensure: async ({ name, rules }, signal) => {
    const wanted = distinct(rules)
    const known = await all<DoFirewall>(call, reading, { path: '/firewalls', key: 'firewalls' }, signal)
    const found = known.find(one => one.name === name)
    if (found === undefined) {
      const body = bodyOf(name, wanted)
      return firewall(
        (await call(acting, signal, (_api, http) => http.post<{ firewall: DoFirewall }>('/firewalls', body))).firewall,
      )
    }
    if (same(firewall(found).rules, wanted)) return firewall(found)
    const body = { ...bodyOf(name, wanted), droplet_ids: found.droplet_ids ?? [], tags: found.tags ?? [] }
    const path = `/firewalls/${found.id}`
    return firewall(
      (await call(acting, signal, (_api, http) => http.put<{ firewall: DoFirewall }>(path, body))).firewall,
    )
  },
  observe: async (ref, signal) => {
    const one = await seen(call, ref, signal)
    return one === null ? null : firewall(one)
  },
  list: async signal =>
    (await all<DoFirewall>(call, listing, { path: '/firewalls', key: 'firewalls' }, signal)).map(firewall),
  protect: async (ref, machine, signal) => {
    const path = `/firewalls/${encodeURIComponent(ref)}/droplets`
    await call(acting, signal, (_api, http) => http.post(path, { droplet_ids: [numberOf(machine)] }))
  },
  delete: async (ref, signal) => {
    const one = await seen(call, ref, signal)
    if (one === null) return
    if ((one.droplet_ids ?? []).length > 0 || (one.tags ?? []).length > 0)
      throw new ProviderError(
        'busy',
        'not-applied',
        `firewall ${one.name} protects ${one.droplet_ids?.length} droplets`,
      )
    await call(destroying, signal, (_api, http) => http.delete(`/firewalls/${one.id}`))
  },
})

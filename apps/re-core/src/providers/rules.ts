import type { FirewallRule } from '@re-ops/protocols'
import { cidrOf } from './cidr.ts'

/** One rule for one peer: what two lists of rules are compared by. */
export type Allowance = Omit<FirewallRule, 'peers'> & { readonly cidr: string; readonly is6: boolean }

export const allowanceKey = ({ direction, protocol, ports, cidr }: Omit<Allowance, 'is6'>): string =>
  [direction, protocol, ports ?? 'all', cidr].join(' ')

/** `22-22` is `22`, and all ports are none in particular. */
const plainPorts = (ports: string | null): string | null => {
  const [from = '', to = from] = ports?.split('-') ?? []
  if (ports === null || (Number(from) === 0 && Number(to) === 65_535)) return null
  return Number(from) === Number(to) ? String(Number(from)) : `${Number(from)}-${Number(to)}`
}

/** Each peer of each rule once, its address written in one way. */
export const allowancesOf = (rules: readonly FirewallRule[]): Map<string, Allowance> =>
  new Map(
    rules.flatMap(({ peers, ...rule }) =>
      peers.map(peer => {
        const allowance = { ...rule, ports: plainPorts(rule.ports), ...cidrOf(peer) }
        return [allowanceKey(allowance), allowance] as const
      }),
    ),
  )

/** Those that allow the same to several peers are one rule again; in order, so the same rules look the same. */
export const rulesOf = (allowances: Iterable<Allowance>): FirewallRule[] => {
  const rules = new Map<string, FirewallRule>()
  const sorted = [...allowances].toSorted((a, b) => (allowanceKey(a) < allowanceKey(b) ? -1 : 1))
  for (const { direction, protocol, ports, cidr } of sorted) {
    const key = [direction, protocol, ports ?? ''].join(' ')
    rules.set(key, { direction, protocol, ports, peers: [...(rules.get(key)?.peers ?? []), cidr] })
  }
  return [...rules.values()]
}

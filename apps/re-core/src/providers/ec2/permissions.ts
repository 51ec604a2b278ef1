import type { IpPermission, SecurityGroup } from '@aws-sdk/client-ec2'
import { allowanceKey, type Allowance } from '../rules.ts'
import { cidrOf } from '../cidr.ts'

/** One permission of a group for one peer, as EC2 is told of it; `allows` is null where our words have none for it. */
export type Permission = {
  readonly direction: 'in' | 'out'
  readonly asked: IpPermission
  readonly allows: Allowance | null
}
/** What makes two permissions the same, also of those that are none of ours. */
export const permissionKey = ({ direction, asked, allows }: Permission): string =>
  allows === null ? JSON.stringify([direction, asked]) : allowanceKey(allows)

const allPorts = { from: 0, to: 65_535 } as const
/** For ICMP these are its type and code, and -1 is any. */
const portsOf = ({ protocol, ports }: Allowance): { FromPort: number; ToPort: number } => {
  if (protocol === 'icmp') return { FromPort: -1, ToPort: -1 }
  const [from = allPorts.from, to = ports === null ? allPorts.to : from] = ports?.split('-').map(Number) ?? []
  return { FromPort: from, ToPort: to }
}

export const permissionOf = (allows: Allowance): Permission => {
  const { direction, protocol, cidr, is6 } = allows
  // ICMP of IPv6 is another protocol.
  const IpProtocol = protocol === 'icmp' && is6 ? 'icmpv6' : protocol
  const peer = is6 ? { Ipv6Ranges: [{ CidrIpv6: cidr }] } : { IpRanges: [{ CidrIp: cidr }] }
  return { direction, allows, asked: { IpProtocol, ...portsOf(allows), ...peer } }
}

const protocols = { tcp: 'tcp', udp: 'udp', icmp: 'icmp', icmpv6: 'icmp' } as const
const seenPorts = (protocol: Allowance['protocol'], from: number, to: number): string | null | undefined => {
  if (protocol === 'icmp') return from === -1 && to === -1 ? null : undefined
  if (from === allPorts.from && to === allPorts.to) return null
  return from === to ? String(from) : `${from}-${to}`
}

/** What a permission allows one address, in our words; null where they have none for it. */
const allowed = (direction: 'in' | 'out', one: IpPermission, peer: string): Allowance | null => {
  const protocol = protocols[one.IpProtocol as keyof typeof protocols] as Allowance['protocol'] | undefined
  if (protocol === undefined) return null
  const ports = seenPorts(protocol, one.FromPort ?? -1, one.ToPort ?? -1)
  return ports === undefined ? null : { direction, protocol, ports, ...cidrOf(peer) }
}

const split = (direction: 'in' | 'out', one: IpPermission): Permission[] => {
  const { IpProtocol, FromPort, ToPort } = one
  const ports = FromPort === undefined || ToPort === undefined ? {} : { FromPort, ToPort }
  const plain = IpProtocol === undefined ? ports : { IpProtocol, ...ports }
  const of = (asked: IpPermission, peer?: string): Permission => ({
    direction,
    asked,
    allows: peer === undefined ? null : allowed(direction, one, peer),
  })
  return [
    ...(one.IpRanges ?? []).map(({ CidrIp = '' }) => of({ ...plain, IpRanges: [{ CidrIp }] }, CidrIp)),
    ...(one.Ipv6Ranges ?? []).map(({ CidrIpv6 = '' }) => of({ ...plain, Ipv6Ranges: [{ CidrIpv6 }] }, CidrIpv6)),
    ...(one.UserIdGroupPairs ?? []).map(({ GroupId = '' }) => of({ ...plain, UserIdGroupPairs: [{ GroupId }] })),
    ...(one.PrefixListIds ?? []).map(({ PrefixListId = '' }) => of({ ...plain, PrefixListIds: [{ PrefixListId }] })),
  ]
}

/** Each permission of a group for each of its peers. */
export const permissionsOf = ({ IpPermissions, IpPermissionsEgress }: SecurityGroup): Permission[] => [
  ...(IpPermissions ?? []).flatMap(one => split('in', one)),
  ...(IpPermissionsEgress ?? []).flatMap(one => split('out', one)),
]

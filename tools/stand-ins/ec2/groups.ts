import type {
  AuthorizeSecurityGroupIngressRequest,
  CreateSecurityGroupRequest,
  DeleteSecurityGroupRequest,
  DescribeSecurityGroupsRequest,
  IpPermission,
  SecurityGroup,
} from '@aws-sdk/client-ec2'
import { matches, page, tagFields } from './filters.ts'
import { refuse } from './refusal.ts'
import { account, defaultGroup, tagsOf, vpc, type Ec2State, type Group, type Rule } from './state.ts'

/** What a new one has: all may go out. */
const firstRule: Rule = { egress: true, protocol: '-1', from: null, to: null, peer: ['IpRanges', '0.0.0.0/0'] }

const peers = {
  IpRanges: 'CidrIp',
  Ipv6Ranges: 'CidrIpv6',
  UserIdGroupPairs: 'GroupId',
  PrefixListIds: 'PrefixListId',
} as const
type PeerKind = keyof typeof peers

const rulesOf = (egress: boolean, permissions: readonly IpPermission[] | undefined): Rule[] =>
  (permissions ?? []).flatMap(one =>
    (Object.keys(peers) as PeerKind[]).flatMap(kind =>
      (one[kind] ?? []).map((peer): Rule => ({
        egress,
        protocol: one.IpProtocol ?? '-1',
        from: one.FromPort ?? null,
        to: one.ToPort ?? null,
        peer: [kind, (peer as Record<string, string>)[peers[kind]] ?? ''],
      })),
    ),
  )
const keyOf = ({ egress, protocol, from, to, peer }: Rule): string =>
  JSON.stringify([egress, protocol, from, to, ...peer])

const portMax = 65_535
const check = ({ protocol, from, to, peer: [kind, value] }: Rule): void => {
  if (!['tcp', 'udp', 'icmp', 'icmpv6', '-1'].includes(protocol))
    refuse('InvalidParameterValue', `Invalid value '${protocol}' for IP protocol. Unknown protocol.`)
  const isPort = protocol === 'tcp' || protocol === 'udp'
  if (isPort && (from === null || to === null || from < 0 || to > portMax || from > to))
    refuse('InvalidParameterValue', `Invalid TCP/UDP port range (${from}:${to})`)
  if (kind === 'Ipv6Ranges' && protocol === 'icmp')
    refuse('InvalidParameterValue', 'ICMP does not go with IPv6: its protocol is icmpv6')
  if ((kind === 'IpRanges' || kind === 'Ipv6Ranges') && !/^[0-9a-f.:]+\/\d+$/.test(value))
    refuse('InvalidParameterValue', `CIDR block ${value} is malformed`)
}

/** Permissions that differ in their peers alone are shown as one. */
const permissions = (rules: readonly Rule[]): IpPermission[] => {
  const shown = new Map<string, IpPermission>()
  for (const { protocol, from, to, peer } of rules) {
    const [kind, value] = peer
    const key = [protocol, from, to].join('|')
    const one: IpPermission = shown.get(key) ?? {
      IpProtocol: protocol,
      ...(from === null || to === null ? {} : { FromPort: from, ToPort: to }),
    }
    shown.set(key, { ...one, [kind]: [...(one[kind] ?? []), { [peers[kind]]: value }] })
  }
  return [...shown.values()]
}

const view = (state: Ec2State, one: Group): SecurityGroup => ({
  GroupId: one.id,
  GroupName: one.name,
  Description: one.description,
  OwnerId: account,
  VpcId: one.vpc,
  Tags: tagsOf(state, one.id),
  IpPermissions: permissions(one.rules.filter(rule => !rule.egress)),
  IpPermissionsEgress: permissions(one.rules.filter(rule => rule.egress)),
})

const groupOf = (state: Ec2State, id: string | undefined): Group =>
  state.groups.get(id ?? '') ?? refuse('InvalidGroup.NotFound', `The security group '${id}' does not exist`)

/** Those that a machine is asked for with; without any the VPC's own. */
export const groupsAsked = (state: Ec2State, ids: readonly string[] | undefined): string[] =>
  ids?.length ? ids.map(id => groupOf(state, id).id) : [defaultGroup]

const create = (state: Ec2State, input: CreateSecurityGroupRequest): object => {
  const { GroupName: name = '', Description: description = '', VpcId = vpc } = input
  if (VpcId !== vpc) refuse('InvalidVpcID.NotFound', `The vpc ID '${VpcId}' does not exist`)
  if (description === '') refuse('MissingParameter', 'The request must contain the parameter GroupDescription')
  if (name.startsWith('sg-')) refuse('InvalidParameterValue', `Invalid value '${name}' for GroupName`)
  if ([...state.groups.values()].some(one => one.name === name))
    refuse('InvalidGroup.Duplicate', `The security group '${name}' already exists for VPC '${VpcId}'`)
  const id = state.nextId('sg')
  state.groups.set(id, { id, name, description, vpc: VpcId, rules: [firstRule] })
  const tags = (input.TagSpecifications ?? []).flatMap(one => one.Tags ?? [])
  state.tags.set(id, new Map(tags.map(tag => [tag.Key ?? '', tag.Value ?? ''])))
  return { GroupId: id, Tags: tags }
}

type Change = Pick<AuthorizeSecurityGroupIngressRequest, 'GroupId' | 'IpPermissions'>
/** All or none. */
const authorize =
  (egress: boolean) =>
  (state: Ec2State, { GroupId, IpPermissions }: Change): object => {
    const group = groupOf(state, GroupId)
    const there = new Set(group.rules.map(keyOf))
    const asked = rulesOf(egress, IpPermissions)
    for (const rule of asked) {
      check(rule)
      if (there.has(keyOf(rule)))
        refuse('InvalidPermission.Duplicate', `the specified rule "peer: ${rule.peer[1]}" already exists`)
    }
    group.rules = [...group.rules, ...asked]
    return { Return: true }
  }
const revoke =
  (egress: boolean) =>
  (state: Ec2State, { GroupId, IpPermissions }: Change): object => {
    const group = groupOf(state, GroupId)
    const asked = new Set(rulesOf(egress, IpPermissions).map(keyOf))
    const there = new Set(group.rules.map(keyOf))
    for (const key of asked)
      if (!there.has(key))
        refuse('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.')
    group.rules = group.rules.filter(rule => !asked.has(keyOf(rule)))
    return { Return: true }
  }

const remove = (state: Ec2State, { GroupId }: DeleteSecurityGroupRequest): object => {
  const group = groupOf(state, GroupId)
  if (group.id === defaultGroup) refuse('CannotDelete', 'the specified group: "default" cannot be deleted by a user')
  const uses = [...state.machines.values()].some(
    ({ groups, state: power }) => power !== 'terminated' && groups.includes(group.id),
  )
  const named = [...state.groups.values()].some(
    one => one.id !== group.id && one.rules.some(({ peer: [, value] }) => value === group.id),
  )
  if (uses || named) refuse('DependencyViolation', `resource ${group.id} has a dependent object`)
  state.groups.delete(group.id)
  state.tags.delete(group.id)
  return { Return: true, GroupId: group.id }
}

const fieldsOf = (state: Ec2State, one: Group) => (name: string) => {
  const known: Readonly<Record<string, readonly string[]>> = {
    'group-id': [one.id],
    'group-name': [one.name],
    'vpc-id': [one.vpc],
  }
  return tagFields(state.tags.get(one.id), name) ?? known[name]
}

export const groupActions = {
  CreateSecurityGroup: create,
  DescribeSecurityGroups: (state: Ec2State, input: DescribeSecurityGroupsRequest) => {
    const asked = input.GroupIds?.length ? input.GroupIds.map(id => groupOf(state, id)) : [...state.groups.values()]
    const found = asked.filter(one => matches(input.Filters, fieldsOf(state, one)))
    const { items, ...next } = page(found, one => one.id, input)
    return { ...next, SecurityGroups: items.map(one => view(state, one)) }
  },
  AuthorizeSecurityGroupIngress: authorize(false),
  AuthorizeSecurityGroupEgress: authorize(true),
  RevokeSecurityGroupIngress: revoke(false),
  RevokeSecurityGroupEgress: revoke(true),
  DeleteSecurityGroup: remove,
}

import type { SecurityGroup } from '@aws-sdk/client-ec2'
import { ProviderError, type Firewall, type FirewallApi, type FirewallRule } from '@re-ops/protocols'
import { allowancesOf, rulesOf } from '../rules.ts'
import { acting, destroying, listing, reading, type CallKind, type Ec2Call } from './client.ts'
import { permissionKey, permissionOf, permissionsOf, type Permission } from './permissions.ts'
import { tagList } from './plan.ts'
import { instances } from './observe.ts'

/** By this a security group is known as ours: the rules of no other one are touched. */
const nameTag = 'recore:firewall'

const firewall = (group: SecurityGroup): Firewall => ({
  ref: group.GroupId ?? '',
  name: group.Tags?.find(tag => tag.Key === nameTag)?.Value ?? '',
  rules: rulesOf(permissionsOf(group).flatMap(({ allows }) => allows ?? [])),
})

type Where = { readonly Name: string; readonly Values: string[] }
const found = async (
  call: Ec2Call,
  kind: CallKind,
  Filters: Where[],
  signal: AbortSignal,
): Promise<SecurityGroup[]> => {
  const all: SecurityGroup[] = []
  let NextToken: string | undefined
  do {
    const asked = { Filters, MaxResults: 500, ...(NextToken === undefined ? {} : { NextToken }) }
    const answer = await call(kind, signal, (client, options) => client.describeSecurityGroups(asked, options))
    all.push(...(answer.SecurityGroups ?? []))
    NextToken = answer.NextToken
  } while (NextToken !== undefined && NextToken !== '')
  return all
}
const ours: Where = { Name: 'tag-key', Values: [nameTag] }
const named = (name: string): Where => ({ Name: `tag:${nameTag}`, Values: [name] })
const numbered = (ref: string): Where => ({ Name: 'group-id', Values: [ref] })

/** A firewall of that account and, where machines are made in one of its own, VPC. */
type Place = { readonly call: Ec2Call; readonly vpc: string | undefined }
const within = ({ vpc }: Place): Where[] => (vpc === undefined ? [] : [{ Name: 'vpc-id', Values: [vpc] }])

/** CreateSecurityGroup has no token, but a name is taken once: who is refused for it looks again. */
const make = async (place: Place, name: string, signal: AbortSignal): Promise<SecurityGroup> => {
  const { call, vpc } = place
  const Tags = tagList({ [nameTag]: name, Name: name })
  const asked = {
    GroupName: name,
    Description: `firewall ${name} of re-ops`,
    TagSpecifications: [{ ResourceType: 'security-group' as const, Tags }],
    ...(vpc === undefined ? {} : { VpcId: vpc }),
  }
  const look = async (filter: Where, refused: ProviderError | null): Promise<SecurityGroup> => {
    const [one] = await found(call, reading, [filter, ...within(place)], signal)
    if (one !== undefined) return one
    throw refused ?? new ProviderError('transient', 'unknown', `security group ${name} does not show yet`)
  }
  try {
    const { GroupId = '' } = await call(acting, signal, (client, options) => client.createSecurityGroup(asked, options))
    // It begins with a rule of EC2's own: all may go out.
    return await look(numbered(GroupId), null)
  } catch (error) {
    if (!(error instanceof ProviderError) || error.code !== 'InvalidGroup.Duplicate') throw error
    return look(named(name), error)
  }
}

type Change = 'allow' | 'forbid'
const change = async (
  call: Ec2Call,
  GroupId: string,
  { what, permissions }: { readonly what: Change; readonly permissions: readonly Permission[] },
  signal: AbortSignal,
): Promise<void> => {
  for (const direction of ['in', 'out'] as const) {
    const IpPermissions = permissions.filter(one => one.direction === direction).map(one => one.asked)
    if (IpPermissions.length === 0) continue
    const asked = { GroupId, IpPermissions }
    await call(acting, signal, (client, options) => {
      if (what === 'allow')
        return direction === 'in'
          ? client.authorizeSecurityGroupIngress(asked, options)
          : client.authorizeSecurityGroupEgress(asked, options)
      return direction === 'in'
        ? client.revokeSecurityGroupIngress(asked, options)
        : client.revokeSecurityGroupEgress(asked, options)
    })
  }
}

const keyed = (permissions: readonly Permission[]) => new Map(permissions.map(one => [permissionKey(one), one]))
const without = (all: ReadonlyMap<string, Permission>, others: ReadonlyMap<string, Permission>): Permission[] =>
  [...all].flatMap(([key, one]) => (others.has(key) ? [] : [one]))

/** What is wanted is allowed first, and the rest forbidden afterwards: what stays allowed is never cut off in between. */
const converge = async (
  call: Ec2Call,
  group: SecurityGroup,
  rules: readonly FirewallRule[],
  signal: AbortSignal,
): Promise<FirewallRule[]> => {
  const wanted = keyed([...allowancesOf(rules).values()].map(permissionOf))
  const seen = keyed(permissionsOf(group))
  const id = group.GroupId ?? ''
  const [missing, extra] = [without(wanted, seen), without(seen, wanted)]
  await change(call, id, { what: 'allow', permissions: missing }, signal)
  await change(call, id, { what: 'forbid', permissions: extra }, signal)
  return rulesOf([...wanted.values()].flatMap(one => one.allows ?? []))
}

const protect = async (call: Ec2Call, ref: string, machine: string, signal: AbortSignal): Promise<void> => {
  const Filters = [{ Name: 'instance-id', Values: [machine] }]
  for await (const { SecurityGroups = [] } of instances(call, reading, { Filters }, signal)) {
    const ids = SecurityGroups.flatMap(({ GroupId }) => GroupId ?? [])
    if (ids.includes(ref)) return
    const asked = { InstanceId: machine, Groups: [...ids, ref] }
    await call(acting, signal, (client, options) => client.modifyInstanceAttribute(asked, options))
    return
  }
  throw new ProviderError('not-found', 'not-applied', `there is no machine ${machine}`)
}

/** Security groups of the region that re-ops made. */
export const makeFirewalls = (call: Ec2Call, vpc: string | undefined): FirewallApi => {
  const place = { call, vpc }
  return {
    ensure: async ({ name, rules }, signal) => {
      allowancesOf(rules) // what is no address is refused before anything is made
      const [known] = await found(call, reading, [named(name), ...within(place)], signal)
      const group = known ?? (await make(place, name, signal))
      return { ref: group.GroupId ?? '', name, rules: await converge(call, group, rules, signal) }
    },
    observe: async (ref, signal) => {
      const [one] = await found(call, reading, [numbered(ref)], signal)
      return one === undefined ? null : firewall(one)
    },
    list: async signal => (await found(call, listing, [ours, ...within(place)], signal)).map(firewall),
    protect: (ref, machine, signal) => protect(call, ref, machine, signal),
    delete: async (ref, signal) => {
      try {
        await call(destroying, signal, (client, options) => client.deleteSecurityGroup({ GroupId: ref }, options))
      } catch (error) {
        if (!(error instanceof ProviderError && error.kind === 'not-found')) throw error
      }
    },
  }
}

import type { DescribeInstancesRequest, Instance, InstanceStateName } from '@aws-sdk/client-ec2'
import type { Address, Identity, Observation, ObservedVm, Power } from '@re-ops/protocols'
import { makeBatch } from '../batch.ts'
import { isOf, markKeys, ownerOf, withoutMarks } from '../marks.ts'
import { listing, reading, type CallKind, type Ec2Call } from './client.ts'

const powers: Readonly<Record<InstanceStateName, Power>> = {
  pending: 'pending',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped',
  'shutting-down': 'terminating',
  terminated: 'gone',
}
const moving: ReadonlySet<Power> = new Set(['pending', 'stopping', 'terminating'])

const addressesOf = ({ PublicIpAddress, PrivateIpAddress }: Instance): Address[] => [
  ...(PublicIpAddress ? [{ address: PublicIpAddress, scope: 'public' as const }] : []),
  ...(PrivateIpAddress ? [{ address: PrivateIpAddress, scope: 'private' as const }] : []),
]

export const observed = (instance: Instance): ObservedVm => {
  const tags = Object.fromEntries((instance.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))
  const owner = ownerOf(tags)
  const raw = instance.State?.Name
  const power = raw === undefined ? 'unknown' : powers[raw]
  const { Name, ...own } = withoutMarks(tags)
  const zone = instance.Placement?.AvailabilityZone
  const expiresAt = tags[markKeys.expiresAt]
  return {
    ref: instance.InstanceId ?? '',
    power,
    raw: raw ?? 'no state',
    locked: moving.has(power),
    addresses: addressesOf(instance),
    size: instance.InstanceType ?? '',
    createdAt: (instance.LaunchTime ?? new Date(0)).toISOString(),
    tags: { ...(Name === undefined ? {} : { name: Name }), ...own },
    lifecycle: instance.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand',
    ...(zone === undefined ? {} : { zone }),
    ...(instance.ImageId === undefined ? {} : { image: instance.ImageId }),
    ...(owner === null || owner === undefined ? {} : { owner }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

type Query = Pick<DescribeInstancesRequest, 'Filters'>
const pageMax = 1_000

/** All pages; a page that fails throws. */
export async function* instances(
  call: Ec2Call,
  kind: CallKind,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<Instance> {
  let NextToken: string | undefined
  do {
    const asked = { ...query, MaxResults: pageMax, ...(NextToken === undefined ? {} : { NextToken }) }
    const answer = await call(kind, signal, (client, options) => client.describeInstances(asked, options))
    for (const reservation of answer.Reservations ?? []) yield* reservation.Instances ?? []
    NextToken = answer.NextToken
  } while (NextToken !== undefined && NextToken !== '')
}

const living = ['pending', 'running', 'stopping', 'stopped', 'shutting-down']

/** Machines that are not terminated; `owned`: those that re-core made. */
export async function* list(call: Ec2Call, scope: 'owned' | 'all', signal: AbortSignal): AsyncGenerator<ObservedVm> {
  const Filters = [
    { Name: 'instance-state-name', Values: living },
    ...(scope === 'owned' ? [{ Name: 'tag-key', Values: [markKeys.installation] }] : []),
  ]
  for await (const one of instances(call, listing, { Filters }, signal)) yield observed(one)
}

/** By our tags, which are there from the first moment; terminated ones too, as long as EC2 shows them. */
export const findByIdentity = async (call: Ec2Call, identity: Identity, signal: AbortSignal): Promise<ObservedVm[]> => {
  const Filters = [{ Name: `tag:${markKeys.vmId}`, Values: [identity.vmId] }]
  const found: ObservedVm[] = []
  for await (const one of instances(call, reading, { Filters }, signal)) {
    const vm = observed(one)
    if (isOf(vm, identity) || one.ClientToken === identity.token) found.push(vm)
  }
  return found
}

/** Why it ended, as EC2 says: `Server.SpotInstanceTermination: ...`. */
const endOf = ({ StateReason, StateTransitionReason }: Instance): { why?: string } => {
  const why = StateReason?.Message ?? StateTransitionReason
  return why === undefined || why === '' ? {} : { why: `EC2 says: ${why}` }
}

const gatherMs = 25
const batchMax = 200
const batchTimeoutMs = 15_000

/** One look at one machine; looks of the same moments are one call. */
export const makeObserve = (call: Ec2Call): ((ref: string, signal: AbortSignal) => Promise<Observation>) => {
  const look = makeBatch<Instance>({
    gatherMs,
    keysMax: batchMax,
    ask: async refs => {
      const found = new Map<string, Instance>()
      // A filter, not ids: one that is not there must not hide the others.
      const Filters = [{ Name: 'instance-id', Values: [...refs] }]
      for await (const one of instances(call, reading, { Filters }, AbortSignal.timeout(batchTimeoutMs)))
        found.set(one.InstanceId ?? '', one)
      return found
    },
  })
  return async (ref, signal) => {
    const instance = await look(ref, signal)
    if (instance === undefined) return { state: 'absent', proof: 'not-found' }
    const vm = observed(instance)
    return vm.power === 'gone' ? { state: 'absent', proof: 'terminal', ...endOf(instance) } : { state: 'present', vm }
  }
}

import type { Instance, InstanceStateName, Tag } from '@aws-sdk/client-ec2'
import type { Clock } from '../shared/clock.ts'

/** How long things take on the clock, in ms. */
export type Delays = {
  readonly bootMs: number
  readonly stopMs: number
  readonly terminateMs: number
  /** Before a new machine shows in answers. */
  readonly lagMs: number
  /** How long a terminated machine still shows. */
  readonly tombstoneMs: number
}
export type Size = { readonly name: string; readonly vcpus: number; readonly memoryMb: number; readonly arm?: true }
export type Bucket = { readonly perSecond: number; readonly burst: number }

/** What a region has. All of it may be changed while it runs. */
export type Setup = {
  region: string
  zones: readonly string[]
  sizes: readonly Size[]
  delays: Delays
  /** A page holds at most so many. */
  pageMax: number
  /** At most so many vCPUs that are not terminated or stopped. */
  vcpusMax: number
  /** How many machines can still be had, by `size|zone|market` or a part of it with `*`; absent = as many as wanted. */
  capacity: Map<string, number>
  /** Requests let through, by action, `Describe*` or `*`; absent = all. */
  buckets: Map<string, Bucket>
  /** Access key ids that are known; null = any. */
  keys: ReadonlySet<string> | null
  /** Actions that the keys may not do. */
  denied: ReadonlySet<string>
  /** Guests do not hear that they shall stop: they are `stopping` until it is forced. */
  deaf: boolean
}

export type Machine = {
  readonly id: string
  readonly token: string | null
  /** The request, to tell whether a token comes again with another one. */
  readonly request: string
  readonly zone: string
  readonly market: 'on-demand' | 'spot'
  readonly image: string
  readonly launchedAt: number
  readonly visibleAt: number
  readonly userData: string | null
  readonly privateIp: string
  readonly keyName: string | null
  size: string
  state: InstanceStateName
  reason: string
  protected: boolean
  groups: readonly string[]
  terminatedAt: number | null
}
export type Disk = {
  readonly id: string
  readonly zone: string
  readonly token: string | null
  readonly createdAt: number
  sizeGb: number
  attachedTo: string | null
  device: string
  endsWithMachine: boolean
}
export type Picture = {
  readonly id: string
  readonly name: string
  readonly of: string
  readonly createdAt: number
  readonly readyAt: number
  readonly snapshot: string
}
export type Key = {
  readonly id: string
  readonly name: string
  readonly fingerprint: string
  readonly publicKey: string
  readonly createdAt: number
}
/** What a group lets through for one peer; null ports: all. */
export type Rule = {
  readonly egress: boolean
  readonly protocol: string
  readonly from: number | null
  readonly to: number | null
  readonly peer: readonly ['IpRanges' | 'Ipv6Ranges' | 'UserIdGroupPairs' | 'PrefixListIds', string]
}
export type Group = {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly vpc: string
  rules: readonly Rule[]
}

/** A region of EC2 in memory. */
export type Ec2State = {
  readonly clock: Clock
  readonly setup: Setup
  readonly machines: Map<string, Machine>
  readonly disks: Map<string, Disk>
  readonly images: Map<string, Picture>
  /** By name. */
  readonly keys: Map<string, Key>
  readonly groups: Map<string, Group>
  /** By resource id. */
  readonly tags: Map<string, Map<string, string>>
  readonly nextId: (prefix: string) => string
  /** Told each time a machine's state changes. */
  readonly onState: (machine: Machine) => void
}

export const account = '123456789012'
/** The one there is, and the group of machines that are given none. */
export const vpc = 'vpc-0default'
export const defaultGroup = 'sg-0default'

export const defaultSetup = (): Setup => ({
  region: 'eu-central-1',
  zones: ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'],
  sizes: [
    { name: 't3.micro', vcpus: 2, memoryMb: 1_024 },
    { name: 't3.small', vcpus: 2, memoryMb: 2_048 },
    { name: 't3.medium', vcpus: 2, memoryMb: 4_096 },
    { name: 't3.large', vcpus: 2, memoryMb: 8_192 },
    { name: 't4g.small', vcpus: 2, memoryMb: 2_048, arm: true },
    { name: 'm6i.large', vcpus: 2, memoryMb: 8_192 },
    { name: 'm6i.xlarge', vcpus: 4, memoryMb: 16_384 },
  ],
  delays: { bootMs: 3_000, stopMs: 2_000, terminateMs: 2_000, lagMs: 0, tombstoneMs: 3_600_000 },
  pageMax: 1_000,
  vcpusMax: 10_000,
  capacity: new Map(),
  buckets: new Map(),
  keys: null,
  denied: new Set(),
  deaf: false,
})

export const makeState = (clock: Clock, setup: Setup, onState: (machine: Machine) => void): Ec2State => {
  let count = 0
  const first: Group = { id: defaultGroup, name: 'default', description: 'default VPC security group', vpc, rules: [] }
  const groups = new Map<string, Group>([[defaultGroup, first]])
  return {
    clock,
    setup,
    machines: new Map(),
    disks: new Map(),
    images: new Map(),
    keys: new Map(),
    groups,
    tags: new Map(),
    nextId: prefix => `${prefix}-${(++count).toString(16).padStart(17, '0')}`,
    onState,
  }
}

export const tagsOf = (state: Ec2State, id: string): Tag[] =>
  [...(state.tags.get(id) ?? [])].map(([Key, Value]) => ({ Key, Value }))

const stateCodes: Readonly<Record<InstanceStateName, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
}
export const stateOf = (Name: InstanceStateName) => ({ Code: stateCodes[Name], Name })

/** A machine as the API shows it. */
export const instanceView = (state: Ec2State, machine: Machine): Instance => {
  const gone = machine.state === 'terminated'
  const disks = [...state.disks.values()].filter(disk => disk.attachedTo === machine.id)
  return {
    InstanceId: machine.id,
    ImageId: machine.image,
    InstanceType: machine.size as Instance['InstanceType'],
    State: stateOf(machine.state),
    LaunchTime: new Date(machine.launchedAt),
    Placement: { AvailabilityZone: machine.zone },
    Tags: tagsOf(state, machine.id),
    StateTransitionReason: machine.reason,
    Architecture: state.setup.sizes.find(size => size.name === machine.size)?.arm ? 'arm64' : 'x86_64',
    BlockDeviceMappings: disks.map(disk => ({
      DeviceName: disk.device,
      Ebs: { VolumeId: disk.id, DeleteOnTermination: disk.endsWithMachine, Status: 'attached' },
    })),
    SecurityGroups: machine.groups.map(GroupId => ({ GroupId, GroupName: state.groups.get(GroupId)?.name ?? '' })),
    ...(machine.keyName === null ? {} : { KeyName: machine.keyName }),
    ...(machine.token === null ? {} : { ClientToken: machine.token }),
    ...(machine.market === 'spot' ? { InstanceLifecycle: 'spot' as const } : {}),
    ...(gone ? {} : { PrivateIpAddress: machine.privateIp }),
    ...(machine.state === 'running' ? { PublicIpAddress: machine.privateIp.replace(/^10\.0/, '203.0') } : {}),
  }
}

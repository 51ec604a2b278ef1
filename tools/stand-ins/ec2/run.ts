import type { Reservation, RunInstancesRequest } from '@aws-sdk/client-ec2'
import { groupsAsked } from './groups.ts'
import { checkKey } from './keys.ts'
import { account, instanceView, type Ec2State, type Machine } from './state.ts'
import { refuse } from './refusal.ts'

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  )
}
const reservation = (state: Ec2State, machine: Machine): Reservation => ({
  ReservationId: machine.id.replace('i-', 'r-'),
  OwnerId: account,
  Instances: [instanceView(state, machine)],
})

/** The machine of a token that was used before: the same request gets the same machine, and a spent token none. */
const again = (state: Ec2State, request: string, token: string | undefined): Machine | null => {
  const known = [...state.machines.values()].find(machine => token !== undefined && machine.token === token)
  if (known === undefined) return null
  if (known.request !== request)
    refuse('IdempotentParameterMismatch', `Arguments on this idempotent request are inconsistent with ${known.id}`)
  if (known.state === 'terminated' || known.state === 'shutting-down')
    refuse('IdempotentInstanceTerminated', `The instance ${known.id} of this client token was terminated`)
  return known
}

const sizeOf = ({ setup }: Ec2State, name: string) =>
  setup.sizes.find(size => size.name === name) ??
  refuse('InvalidParameterValue', `Invalid value '${name}' for InstanceType.`)

const vcpusInUse = (state: Ec2State): number =>
  [...state.machines.values()]
    .filter(machine => machine.state === 'pending' || machine.state === 'running')
    .reduce((sum, machine) => sum + sizeOf(state, machine.size).vcpus, 0)

/** Capacity is kept per size, zone and market; the most exact entry counts. */
const capacityKey = ({ setup }: Ec2State, size: string, zone: string, market: string): string | null =>
  [`${size}|${zone}|${market}`, `${size}|${zone}|*`, `${size}|*|${market}`, `${size}|*|*`, `*|${zone}|*`].find(key =>
    setup.capacity.has(key),
  ) ?? null

/** Takes room for one machine, or says that there is none: of the account's quota first, as EC2 does. */
export const takeRoom = (state: Ec2State, size: string, zone: string, market: string): void => {
  const { setup } = state
  if (vcpusInUse(state) + sizeOf(state, size).vcpus > setup.vcpusMax)
    refuse(
      'VcpuLimitExceeded',
      `You have requested more vCPU capacity than your current vCPU limit of ${setup.vcpusMax} allows`,
    )
  const key = capacityKey(state, size, zone, market)
  if (key === null) return
  const left = setup.capacity.get(key) ?? 0
  if (left <= 0)
    refuse(
      'InsufficientInstanceCapacity',
      `We currently do not have sufficient ${size} capacity in the Availability Zone you requested (${zone}).`,
    )
  setup.capacity.set(key, left - 1)
}

const imagePattern = /^(ami-[0-9a-z]+|resolve:ssm:\/.+)$/
const userDataMax = 16 * 1024

const check = ({ setup }: Ec2State, input: RunInstancesRequest, zone: string): void => {
  if (input.MinCount !== 1 || input.MaxCount !== 1)
    refuse('InvalidParameterCombination', 'this stand-in makes one instance a call')
  if (!imagePattern.test(input.ImageId ?? '')) refuse('InvalidAMIID.Malformed', `Invalid id: "${input.ImageId}"`)
  if (!setup.zones.includes(zone)) refuse('InvalidParameterValue', `Invalid availability zone: [${zone}]`)
  if (Buffer.from(input.UserData ?? '', 'base64').length > userDataMax)
    refuse('InvalidParameterValue', 'User data is limited to 16384 bytes')
}

const setTags = (state: Ec2State, input: RunInstancesRequest, type: string, id: string): void => {
  const tags = (input.TagSpecifications ?? []).filter(one => one.ResourceType === type).flatMap(one => one.Tags ?? [])
  state.tags.set(id, new Map(tags.map(tag => [tag.Key ?? '', tag.Value ?? ''])))
}

const makeMachine = (state: Ec2State, input: RunInstancesRequest, request: string, zone: string): Machine => {
  const { clock, setup } = state
  const id = state.nextId('i')
  const n = state.machines.size + 10
  const market = input.InstanceMarketOptions?.MarketType === 'spot' ? 'spot' : 'on-demand'
  takeRoom(state, input.InstanceType ?? '', zone, market)
  return {
    id,
    request,
    zone,
    market,
    token: input.ClientToken ?? null,
    image: input.ImageId ?? '',
    launchedAt: clock.now(),
    visibleAt: clock.now() + setup.delays.lagMs,
    userData: input.UserData ?? null,
    keyName: input.KeyName ?? null,
    groups: groupsAsked(state, input.SecurityGroupIds),
    privateIp: `10.0.${n >> 8}.${n & 255}`,
    size: input.InstanceType ?? '',
    state: 'pending',
    reason: '',
    protected: input.DisableApiTermination ?? false,
    terminatedAt: null,
  }
}

const makeDisks = (state: Ec2State, input: RunInstancesRequest, machine: Machine): void => {
  const asked = input.BlockDeviceMappings?.length ? input.BlockDeviceMappings : [{ DeviceName: '/dev/xvda', Ebs: {} }]
  for (const { DeviceName, Ebs } of asked) {
    const id = state.nextId('vol')
    state.disks.set(id, {
      id,
      zone: machine.zone,
      token: null,
      createdAt: state.clock.now(),
      sizeGb: Ebs?.VolumeSize ?? 8,
      attachedTo: machine.id,
      device: DeviceName ?? '/dev/xvda',
      endsWithMachine: Ebs?.DeleteOnTermination ?? true,
    })
    setTags(state, input, 'volume', id)
  }
}

/** Pending at once, running after a while. */
export const boot = (state: Ec2State, machine: Machine): void => {
  const { clock, setup } = state
  machine.state = 'pending'
  clock.at(clock.now() + setup.delays.bootMs, () => {
    if (machine.state !== 'pending') return
    machine.state = 'running'
    machine.reason = ''
    state.onState(machine)
  })
  state.onState(machine)
}

export const runInstances = (state: Ec2State, input: RunInstancesRequest): Reservation => {
  const request = JSON.stringify(sorted(input))
  const known = again(state, request, input.ClientToken)
  if (known !== null) return reservation(state, known)
  sizeOf(state, input.InstanceType ?? '')
  const zone = input.Placement?.AvailabilityZone ?? state.setup.zones[0] ?? ''
  check(state, input, zone)
  checkKey(state, input.KeyName)
  const machine = makeMachine(state, input, request, zone)
  state.machines.set(machine.id, machine)
  setTags(state, input, 'instance', machine.id)
  makeDisks(state, input, machine)
  boot(state, machine)
  return reservation(state, machine)
}

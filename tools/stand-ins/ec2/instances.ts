import type {
  DescribeInstanceAttributeRequest,
  DescribeInstancesRequest,
  Instance,
  ModifyInstanceAttributeRequest,
} from '@aws-sdk/client-ec2'
import { matches, page, tagFields } from './filters.ts'
import { groupsAsked } from './groups.ts'
import { refuse } from './refusal.ts'
import { boot, takeRoom } from './run.ts'
import { account, instanceView, stateOf, type Ec2State, type Machine } from './state.ts'

/** A terminated machine shows for an hour; a new one only after the lag. */
const shown = ({ clock, setup }: Ec2State, machine: Machine): boolean =>
  machine.visibleAt <= clock.now() &&
  (machine.terminatedAt === null || clock.now() < machine.terminatedAt + setup.delays.tombstoneMs)

export const machineOf = (state: Ec2State, id: string): Machine => {
  const machine = state.machines.get(id)
  return machine !== undefined && shown(state, machine)
    ? machine
    : refuse('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`)
}
const machinesOf = (state: Ec2State, ids: readonly string[] | undefined): Machine[] =>
  (ids ?? []).map(id => machineOf(state, id))

const fieldsOf = (state: Ec2State, machine: Machine) => (name: string) => {
  const known: Readonly<Record<string, readonly string[]>> = {
    'instance-id': [machine.id],
    'instance-state-name': [machine.state],
    'instance-type': [machine.size],
    'availability-zone': [machine.zone],
    'client-token': machine.token === null ? [] : [machine.token],
  }
  return tagFields(state.tags.get(machine.id), name) ?? known[name]
}

export const describeInstances = (state: Ec2State, input: DescribeInstancesRequest) => {
  const asked = input.InstanceIds?.length ? machinesOf(state, input.InstanceIds) : [...state.machines.values()]
  const found = asked.filter(one => shown(state, one) && matches(input.Filters, fieldsOf(state, one)))
  const { items, ...next } = page(found, one => one.id, {
    ...input,
    MaxResults: Math.min(input.MaxResults ?? state.setup.pageMax, state.setup.pageMax),
  })
  return {
    ...next,
    Reservations: items.map(one => ({
      ReservationId: one.id.replace('i-', 'r-'),
      OwnerId: account,
      Instances: [instanceView(state, one)],
    })),
  }
}

const change = (machine: Machine, before: Machine['state']) => ({
  InstanceId: machine.id,
  CurrentState: stateOf(machine.state),
  PreviousState: stateOf(before),
})
type Changes = {
  [K in 'StartingInstances' | 'StoppingInstances' | 'TerminatingInstances']?: ReturnType<typeof change>[]
}

const wrongState = (machine: Machine): never =>
  refuse(
    'IncorrectInstanceState',
    `The instance '${machine.id}' is not in a state from which it can be changed: it is ${machine.state}.`,
  )

const start = (state: Ec2State, machine: Machine) => {
  const before = machine.state
  if (before === 'stopped') {
    takeRoom(state, machine.size, machine.zone, machine.market)
    boot(state, machine)
  } else if (before !== 'running' && before !== 'pending') wrongState(machine)
  return change(machine, before)
}

/** After a while, unless something else happened to it meanwhile. */
const settleLater = (state: Ec2State, machine: Machine, from: Machine['state'], to: Machine['state'], ms: number) => {
  machine.state = from
  state.onState(machine)
  state.clock.at(state.clock.now() + ms, at => {
    if (machine.state !== from) return
    machine.state = to
    if (to === 'terminated') {
      machine.terminatedAt = at
      removeDisks(state, machine)
    }
    state.onState(machine)
  })
}

const removeDisks = (state: Ec2State, machine: Machine): void => {
  for (const disk of state.disks.values()) {
    if (disk.attachedTo !== machine.id) continue
    if (disk.endsWithMachine) {
      state.disks.delete(disk.id)
      state.tags.delete(disk.id)
    } else disk.attachedTo = null
  }
}

const stop = (state: Ec2State, machine: Machine, force: boolean) => {
  const before = machine.state
  const isHeard = force || !state.setup.deaf
  if (before === 'running' && !isHeard) machine.state = 'stopping'
  else if (before === 'running' || (before === 'stopping' && force))
    settleLater(state, machine, 'stopping', 'stopped', state.setup.delays.stopMs)
  else if (before !== 'stopped' && before !== 'stopping') wrongState(machine)
  machine.reason = 'User initiated'
  return change(machine, before)
}

export const terminate = (state: Ec2State, machine: Machine, reason: string) => {
  const before = machine.state
  machine.reason = reason
  if (before !== 'terminated' && before !== 'shutting-down')
    settleLater(state, machine, 'shutting-down', 'terminated', state.setup.delays.terminateMs)
  return change(machine, before)
}

type Ids = { InstanceIds?: string[] | undefined }
/** All or none, as EC2: every id is looked up before anything is done. */
export const powerActions = {
  StartInstances: (state: Ec2State, { InstanceIds }: Ids): Changes => ({
    StartingInstances: machinesOf(state, InstanceIds).map(one => start(state, one)),
  }),
  StopInstances: (state: Ec2State, { InstanceIds, Force }: Ids & { Force?: boolean }): Changes => ({
    StoppingInstances: machinesOf(state, InstanceIds).map(one => stop(state, one, Force === true)),
  }),
  RebootInstances: (state: Ec2State, { InstanceIds }: Ids): Changes => {
    for (const one of machinesOf(state, InstanceIds)) if (one.state !== 'running') wrongState(one)
    return {}
  },
  TerminateInstances: (state: Ec2State, { InstanceIds }: Ids): Changes => {
    const all = machinesOf(state, InstanceIds)
    const kept = all.find(one => one.protected && one.state !== 'terminated')
    if (kept !== undefined)
      refuse(
        'OperationNotPermitted',
        `The instance '${kept.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
      )
    return { TerminatingInstances: all.map(one => terminate(state, one, 'User initiated')) }
  },
}

export const modifyInstanceAttribute = (state: Ec2State, input: ModifyInstanceAttributeRequest): object => {
  const machine = machineOf(state, input.InstanceId ?? '')
  const size = input.InstanceType?.Value
  if (size !== undefined) {
    if (machine.state !== 'stopped') wrongState(machine)
    if (!state.setup.sizes.some(one => one.name === size))
      refuse('InvalidInstanceAttributeValue', `The instance type '${size}' is not valid`)
    machine.size = size
  }
  if (input.Groups !== undefined) machine.groups = groupsAsked(state, input.Groups)
  if (input.DisableApiTermination?.Value !== undefined) machine.protected = input.DisableApiTermination.Value
  for (const mapping of input.BlockDeviceMappings ?? []) {
    const disk = [...state.disks.values()].find(
      one => one.attachedTo === machine.id && one.device === mapping.DeviceName,
    )
    if (disk === undefined) return refuse('InvalidInstanceAttributeValue', `No device ${mapping.DeviceName}`)
    disk.endsWithMachine = mapping.Ebs?.DeleteOnTermination ?? disk.endsWithMachine
  }
  return {}
}

export const describeInstanceAttribute = (state: Ec2State, input: DescribeInstanceAttributeRequest): object => {
  const machine = machineOf(state, input.InstanceId ?? '')
  const shownAs: Readonly<Record<string, object>> = {
    userData: { UserData: machine.userData === null ? {} : { Value: machine.userData } },
    disableApiTermination: { DisableApiTermination: { Value: machine.protected } },
    instanceType: { InstanceType: { Value: machine.size } },
  }
  const attribute = shownAs[input.Attribute ?? ''] ?? refuse('InvalidParameterValue', `attribute ${input.Attribute}`)
  return { InstanceId: machine.id, ...attribute }
}

export type { Instance }

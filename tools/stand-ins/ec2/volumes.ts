import type {
  AttachVolumeRequest,
  CreateVolumeRequest,
  DeleteVolumeRequest,
  DescribeVolumesRequest,
  DetachVolumeRequest,
  ModifyVolumeRequest,
  Volume,
} from '@aws-sdk/client-ec2'
import { matches, page, tagFields } from './filters.ts'
import { refuse } from './refusal.ts'
import { tagsOf, type Disk, type Ec2State } from './state.ts'

const view = (state: Ec2State, disk: Disk): Volume => ({
  VolumeId: disk.id,
  Size: disk.sizeGb,
  AvailabilityZone: disk.zone,
  State: disk.attachedTo === null ? 'available' : 'in-use',
  CreateTime: new Date(disk.createdAt),
  Tags: tagsOf(state, disk.id),
  Attachments:
    disk.attachedTo === null
      ? []
      : [
          {
            InstanceId: disk.attachedTo,
            VolumeId: disk.id,
            Device: disk.device,
            DeleteOnTermination: disk.endsWithMachine,
            State: 'attached',
          },
        ],
})

const diskOf = (state: Ec2State, id: string | undefined): Disk =>
  state.disks.get(id ?? '') ?? refuse('InvalidVolume.NotFound', `The volume '${id}' does not exist.`)

const fieldsOf = (state: Ec2State, disk: Disk) => (name: string) => {
  const known: Readonly<Record<string, readonly string[]>> = {
    'volume-id': [disk.id],
    'availability-zone': [disk.zone],
    'attachment.instance-id': disk.attachedTo === null ? [] : [disk.attachedTo],
    status: [disk.attachedTo === null ? 'available' : 'in-use'],
  }
  return tagFields(state.tags.get(disk.id), name) ?? known[name]
}

const create = (state: Ec2State, input: CreateVolumeRequest): Volume => {
  const zone = input.AvailabilityZone ?? ''
  if (!state.setup.zones.includes(zone)) refuse('InvalidZone.NotFound', `The zone '${zone}' does not exist.`)
  const known = [...state.disks.values()].find(
    one => input.ClientToken !== undefined && one.token === input.ClientToken,
  )
  if (known !== undefined) {
    if (known.sizeGb !== input.Size || known.zone !== zone)
      refuse('IdempotentParameterMismatch', `Arguments are inconsistent with ${known.id}`)
    return view(state, known)
  }
  const disk: Disk = {
    id: state.nextId('vol'),
    zone,
    token: input.ClientToken ?? null,
    createdAt: state.clock.now(),
    sizeGb: input.Size ?? 8,
    attachedTo: null,
    device: '',
    endsWithMachine: false,
  }
  state.disks.set(disk.id, disk)
  const tags = (input.TagSpecifications ?? []).flatMap(one => one.Tags ?? [])
  state.tags.set(disk.id, new Map(tags.map(tag => [tag.Key ?? '', tag.Value ?? ''])))
  return view(state, disk)
}

const attach = (state: Ec2State, input: AttachVolumeRequest): object => {
  const disk = diskOf(state, input.VolumeId)
  const machine =
    state.machines.get(input.InstanceId ?? '') ??
    refuse('InvalidInstanceID.NotFound', `${input.InstanceId} is not there`)
  if (machine.zone !== disk.zone) refuse('InvalidVolume.ZoneMismatch', `${disk.id} is not in zone ${machine.zone}`)
  if (disk.attachedTo !== null) refuse('VolumeInUse', `${disk.id} is already attached to an instance`)
  disk.attachedTo = machine.id
  disk.device = input.Device ?? '/dev/sdf'
  disk.endsWithMachine = false
  return { VolumeId: disk.id, InstanceId: machine.id, Device: disk.device, State: 'attached' }
}

export const volumeActions = {
  CreateVolume: create,
  DescribeVolumes: (state: Ec2State, input: DescribeVolumesRequest) => {
    const asked = input.VolumeIds?.length ? input.VolumeIds.map(id => diskOf(state, id)) : [...state.disks.values()]
    const found = asked.filter(one => matches(input.Filters, fieldsOf(state, one)))
    const { items, ...next } = page(found, one => one.id, input)
    return { ...next, Volumes: items.map(one => view(state, one)) }
  },
  AttachVolume: attach,
  DetachVolume: (state: Ec2State, input: DetachVolumeRequest): object => {
    const disk = diskOf(state, input.VolumeId)
    if (disk.attachedTo === null) refuse('IncorrectState', `Volume '${disk.id}' is in the 'available' state.`)
    if (input.InstanceId !== undefined && input.InstanceId !== disk.attachedTo)
      refuse('InvalidAttachment.NotFound', `Volume '${disk.id}' is not attached to ${input.InstanceId}.`)
    disk.attachedTo = null
    return { VolumeId: disk.id, State: 'detached' }
  },
  ModifyVolume: (state: Ec2State, input: ModifyVolumeRequest): object => {
    const disk = diskOf(state, input.VolumeId)
    if ((input.Size ?? 0) < disk.sizeGb)
      refuse('InvalidParameterValue', 'New size cannot be smaller than existing size')
    disk.sizeGb = input.Size ?? disk.sizeGb
    return { VolumeModification: { VolumeId: disk.id, TargetSize: disk.sizeGb, ModificationState: 'completed' } }
  },
  DeleteVolume: (state: Ec2State, input: DeleteVolumeRequest): object => {
    const disk = diskOf(state, input.VolumeId)
    if (disk.attachedTo !== null) refuse('VolumeInUse', `Volume ${disk.id} is currently attached to ${disk.attachedTo}`)
    state.disks.delete(disk.id)
    state.tags.delete(disk.id)
    return {}
  },
}

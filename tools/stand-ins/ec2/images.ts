import type { CreateImageRequest, DeregisterImageRequest, DescribeImagesRequest, Image } from '@aws-sdk/client-ec2'
import { matches, page, tagFields } from './filters.ts'
import { refuse } from './refusal.ts'
import { account, tagsOf, type Ec2State, type Picture } from './state.ts'

const view = (state: Ec2State, one: Picture): Image => ({
  ImageId: one.id,
  Name: one.name,
  OwnerId: account,
  State: one.readyAt <= state.clock.now() ? 'available' : 'pending',
  CreationDate: new Date(one.createdAt).toISOString(),
  Architecture: 'x86_64',
  Tags: tagsOf(state, one.id),
  BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: one.snapshot, VolumeSize: 8 } }],
})

const create = (state: Ec2State, input: CreateImageRequest): object => {
  const machine =
    state.machines.get(input.InstanceId ?? '') ??
    refuse('InvalidInstanceID.NotFound', `${input.InstanceId} is not there`)
  const name = input.Name ?? ''
  if ([...state.images.values()].some(one => one.name === name))
    refuse('InvalidAMIName.Duplicate', `AMI name ${name} is already in use`)
  const createdAt = state.clock.now()
  const readyAt = createdAt + state.setup.delays.bootMs
  const id = state.nextId('ami')
  state.images.set(id, { id, name, of: machine.id, createdAt, readyAt, snapshot: state.nextId('snap') })
  const tags = (input.TagSpecifications ?? []).flatMap(one => (one.ResourceType === 'image' ? (one.Tags ?? []) : []))
  state.tags.set(id, new Map(tags.map(tag => [tag.Key ?? '', tag.Value ?? ''])))
  return { ImageId: id }
}

const fieldsOf = (state: Ec2State, one: Picture) => (name: string) => {
  const known: Readonly<Record<string, readonly string[]>> = { name: [one.name], 'image-id': [one.id] }
  return tagFields(state.tags.get(one.id), name) ?? known[name]
}

export const imageActions = {
  CreateImage: create,
  DescribeImages: (state: Ec2State, input: DescribeImagesRequest) => {
    const all = [...state.images.values()].filter(one => input.ImageIds?.includes(one.id) ?? true)
    const { items, ...next } = page(
      all.filter(one => matches(input.Filters, fieldsOf(state, one))),
      one => one.id,
      input,
    )
    return { ...next, Images: items.map(one => view(state, one)) }
  },
  DeregisterImage: (state: Ec2State, { ImageId = '' }: DeregisterImageRequest): object => {
    if (!state.images.delete(ImageId)) refuse('InvalidAMIID.NotFound', `The image id '[${ImageId}]' does not exist`)
    state.tags.delete(ImageId)
    return { Return: true }
  },
  DeleteSnapshot: (): object => ({}),
}

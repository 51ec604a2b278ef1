import type { Image } from '@aws-sdk/client-ec2'
import { ProviderError, type ImageApi, type Snapshot } from '@re-ops/protocols'
import { acting, destroying, listing, reading, type CallKind, type Ec2Call } from './client.ts'
import { tagList } from './plan.ts'

/** By this an image is known as ours; names belong to whoever takes them first. */
const nameTag = 'recore:snapshot'

const states: Readonly<Record<string, Snapshot['state']>> = { available: 'ready', pending: 'pending' }
const snapshot = ({ ImageId, Name, State, CreationDate, BlockDeviceMappings }: Image): Snapshot => ({
  ref: ImageId ?? '',
  name: Name ?? '',
  state: states[State ?? ''] ?? 'failed',
  sizeGb: BlockDeviceMappings?.reduce((sum, { Ebs }) => sum + (Ebs?.VolumeSize ?? 0), 0) ?? null,
  createdAt: new Date(CreationDate ?? 0).toISOString(),
})

type Asked = { readonly Filters: readonly { readonly Name: string; readonly Values: readonly string[] }[] }
const found = async (call: Ec2Call, kind: CallKind, { Filters }: Asked, signal: AbortSignal): Promise<Image[]> => {
  const all: Image[] = []
  let NextToken: string | undefined
  do {
    const filters = Filters.map(({ Name, Values }) => ({ Name, Values: [...Values] }))
    const next = NextToken === undefined ? {} : { NextToken }
    const answer = await call(kind, signal, (client, options) =>
      client.describeImages({ Owners: ['self'], Filters: filters, MaxResults: 500, ...next }, options),
    )
    all.push(...(answer.Images ?? []))
    NextToken = answer.NextToken
  } while (NextToken !== undefined && NextToken !== '')
  return all.filter(one => one.State !== 'deregistered')
}
const named = (name: string): Asked => ({ Filters: [{ Name: 'name', Values: [name] }] })
const numbered = (ref: string): Asked => ({ Filters: [{ Name: 'image-id', Values: [ref] }] })
const ours: Asked = { Filters: [{ Name: 'tag-key', Values: [nameTag] }] }

/** CreateImage has no token of its own, but a name is taken once: who is refused for it looks again. */
const make = async (call: Ec2Call, name: string, machine: string, signal: AbortSignal): Promise<Snapshot> => {
  const Tags = tagList({ [nameTag]: name })
  const TagSpecifications = (['image', 'snapshot'] as const).map(ResourceType => ({ ResourceType, Tags }))
  try {
    const { ImageId } = await call(acting, signal, (client, options) =>
      // Without NoReboot the machine would be restarted for it.
      client.createImage({ InstanceId: machine, Name: name, NoReboot: true, TagSpecifications }, options),
    )
    return { ref: ImageId ?? '', name, state: 'pending', sizeGb: null, createdAt: new Date().toISOString() }
  } catch (error) {
    if (!(error instanceof ProviderError) || error.code !== 'InvalidAMIName.Duplicate') throw error
    const [raced] = await found(call, reading, named(name), signal)
    if (raced === undefined) throw error
    return snapshot(raced)
  }
}

/** Images (AMIs) made from machines, of this account and region. */
export const makeImages = (call: Ec2Call): ImageApi => ({
  ensure: async ({ name, machine }, signal) => {
    const [known] = await found(call, reading, named(name), signal)
    return known === undefined ? make(call, name, machine, signal) : snapshot(known)
  },
  observe: async (ref, signal) => {
    const [one] = await found(call, reading, numbered(ref), signal)
    return one === undefined ? null : snapshot(one)
  },
  list: async signal => (await found(call, listing, ours, signal)).map(snapshot),
  delete: async (ref, signal) => {
    const [one] = await found(call, reading, numbered(ref), signal)
    if (one === undefined) return
    await call(destroying, signal, (client, options) => client.deregisterImage({ ImageId: ref }, options))
    // What the image was made of stays, and is billed, unless it is deleted by name.
    for (const { Ebs } of one.BlockDeviceMappings ?? [])
      if (Ebs?.SnapshotId !== undefined) {
        const { SnapshotId } = Ebs
        await call(destroying, signal, (client, options) => client.deleteSnapshot({ SnapshotId }, options))
      }
  },
})

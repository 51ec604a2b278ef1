import type { EC2, Volume as Ec2Volume } from '@aws-sdk/client-ec2'
import { ProviderError, type Volume, type VolumeApi } from '@re-ops/protocols'
import { acting, destroying, listing, reading, type CallKind, type Ec2Call } from './client.ts'
import { tagList } from './plan.ts'

/** By this a volume is found again; a person may change its Name. */
const nameTag = 'recore:volume'

const volume = ({ VolumeId, Tags, Size, AvailabilityZone, Attachments }: Ec2Volume): Volume => ({
  ref: VolumeId ?? '',
  name: Tags?.find(tag => tag.Key === nameTag)?.Value ?? '',
  sizeGb: Size ?? 0,
  zone: AvailabilityZone ?? null,
  attachedTo: Attachments?.find(one => one.State !== 'detached')?.InstanceId ?? null,
})
const refuse = (kind: 'invalid' | 'busy' | 'not-found', text: string): never => {
  throw new ProviderError(kind, 'not-applied', text)
}

const found = async (call: Ec2Call, kind: CallKind, filter: readonly string[] | null, signal: AbortSignal) => {
  const Filters = [
    filter === null ? { Name: 'tag-key', Values: [nameTag] } : { Name: `tag:${nameTag}`, Values: [...filter] },
  ]
  const all: Ec2Volume[] = []
  let NextToken: string | undefined
  do {
    const asked = { Filters, MaxResults: 500, ...(NextToken === undefined ? {} : { NextToken }) }
    const answer = await call(kind, signal, (client, options) => client.describeVolumes(asked, options))
    all.push(...(answer.Volumes ?? []))
    NextToken = answer.NextToken
  } while (NextToken !== undefined && NextToken !== '')
  return all.filter(one => one.State !== 'deleted' && one.State !== 'deleting')
}

const seen = async (call: Ec2Call, ref: string, signal: AbortSignal): Promise<Volume | null> => {
  try {
    const asked = { VolumeIds: [ref] }
    const { Volumes } = await call(reading, signal, (client, options) => client.describeVolumes(asked, options))
    const [one] = Volumes ?? []
    return one === undefined || one.State === 'deleted' ? null : volume(one)
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'not-found') return null
    throw error
  }
}
const there = async (call: Ec2Call, ref: string, signal: AbortSignal): Promise<Volume> =>
  (await seen(call, ref, signal)) ?? refuse('not-found', `there is no volume ${ref}`)

/** EC2 wants to be told a device that is free: those it advises for volumes that are attached later. */
const devices = Array.from('fghijklmnop', letter => `/dev/sd${letter}`)
const freeDevice = async (call: Ec2Call, machine: string, signal: AbortSignal): Promise<string> => {
  const Filters = [{ Name: 'attachment.instance-id', Values: [machine] }]
  const { Volumes } = await call(reading, signal, (client, options) => client.describeVolumes({ Filters }, options))
  const taken = new Set((Volumes ?? []).flatMap(one => (one.Attachments ?? []).map(each => each.Device)))
  return (
    devices.find(device => !taken.has(device)) ?? refuse('invalid', `${machine} has ${devices.length} volumes; no more`)
  )
}

type Ask = (send: (client: EC2, options: { abortSignal: AbortSignal }) => Promise<unknown>) => Promise<unknown>
const asking =
  (call: Ec2Call, kind: CallKind, signal: AbortSignal): Ask =>
  send =>
    call(kind, signal, send)

const ensure: (call: Ec2Call, region: string) => VolumeApi['ensure'] =
  (call, region) =>
  async ({ name, sizeGb, zone, token }, signal) => {
    const [known] = await found(call, reading, [name], signal)
    if (known !== undefined) {
      if (zone !== undefined && zone !== known.AvailabilityZone)
        refuse('invalid', `volume ${name} is in zone ${known.AvailabilityZone}, not in ${zone}`)
      return volume(known)
    }
    const made = await call(acting, signal, (client, options) =>
      client.createVolume(
        {
          AvailabilityZone: zone ?? `${region}a`,
          Size: sizeGb,
          VolumeType: 'gp3',
          ...(token === undefined ? {} : { ClientToken: token }),
          TagSpecifications: [{ ResourceType: 'volume', Tags: tagList({ [nameTag]: name, Name: name }) }],
        },
        options,
      ),
    )
    return volume(made)
  }

/** EBS volumes of the region that re-ops made. */
export const makeVolumes = (call: Ec2Call, region: string): VolumeApi => ({
  ensure: ensure(call, region),
  observe: (ref, signal) => seen(call, ref, signal),
  list: async signal => (await found(call, listing, null, signal)).map(volume),
  attach: async (ref, machine, signal) => {
    const { attachedTo, name } = await there(call, ref, signal)
    if (attachedTo === machine) return { ref }
    if (attachedTo !== null) refuse('busy', `volume ${name} is attached to ${attachedTo}`)
    const Device = await freeDevice(call, machine, signal)
    const asked = { VolumeId: ref, InstanceId: machine, Device }
    await asking(call, acting, signal)((client, options) => client.attachVolume(asked, options))
    return { ref }
  },
  detach: async (ref, signal) => {
    const { attachedTo } = await there(call, ref, signal)
    if (attachedTo === null) return { ref }
    // Named, so that one that lands late takes it off no other machine.
    const asked = { VolumeId: ref, InstanceId: attachedTo }
    await asking(call, acting, signal)((client, options) => client.detachVolume(asked, options))
    return { ref }
  },
  resize: async (ref, sizeGb, signal) => {
    const known = await there(call, ref, signal)
    if (sizeGb < known.sizeGb)
      refuse('invalid', `volume ${known.name} has ${known.sizeGb} GB; it cannot shrink to ${sizeGb}`)
    if (sizeGb > known.sizeGb)
      await asking(
        call,
        acting,
        signal,
      )((client, options) => client.modifyVolume({ VolumeId: ref, Size: sizeGb }, options))
    return { ref }
  },
  delete: async (ref, signal) => {
    const known = await seen(call, ref, signal)
    if (known === null) return
    if (known.attachedTo !== null) refuse('busy', `volume ${known.name} is attached to ${known.attachedTo}`)
    await asking(call, destroying, signal)((client, options) => client.deleteVolume({ VolumeId: ref }, options))
  },
})

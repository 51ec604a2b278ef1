import type { RunInstancesRequest, Tag } from '@aws-sdk/client-ec2'
import { ProviderError, type CreateRequest, type Identity, type Offering, type VmSpec } from '@re-ops/protocols'
import { marksOf } from '../marks.ts'
import { userDataOf } from '../user-data.ts'
import { ec2Caps } from './caps.ts'
import type { Ec2Settings } from './settings.ts'
import { imageOf, instanceType } from './words.ts'

const refuse = (text: string): never => {
  throw new ProviderError('invalid', 'not-applied', text)
}

/** The zones in the order they were asked for; without any, those of the account's subnets, else EC2's choice. */
export const offerings = (settings: Ec2Settings, spec: VmSpec): Offering[] => {
  const known = Object.keys(settings.subnets ?? {})
  const zones: readonly (string | null)[] = spec.zones?.length ? spec.zones : known.length > 0 ? known : [null]
  const size = instanceType(spec.size)
  return zones.map(zone => ({ size, zone, market: spec.market ?? 'on-demand' }))
}

/** There is always one. */
const firstOffering = (settings: Ec2Settings, spec: VmSpec): Offering =>
  offerings(settings, spec)[0] ?? refuse('no zone to make it in')

export const tagList = (tags: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

const tagsMax = 50
const tagsOf = (spec: VmSpec, identity: Identity): Tag[] => {
  const tags = { ...spec.tags, Name: spec.name, ...marksOf(identity, spec.expiresAt) }
  const reserved = Object.keys(spec.tags ?? {}).find(key => /^(aws:|recore:)/.test(key) || key === 'Name')
  if (reserved !== undefined)
    refuse(`tag ${reserved} is reserved; allowed of provider ec2: any but aws:*, recore:*, Name`)
  if (Object.keys(tags).length > tagsMax)
    refuse(`${Object.keys(spec.tags ?? {}).length} tags; allowed of provider ec2: 44`)
  return tagList(tags)
}

const userData = (spec: VmSpec): { UserData?: string } => {
  const text = userDataOf(spec)
  if (text === null) return {}
  const bytes = Buffer.byteLength(text)
  const { maxBytes } = ec2Caps.userData as { maxBytes: number }
  if (bytes > maxBytes) refuse(`user-data has ${bytes} bytes; allowed of provider ec2: ${maxBytes}`)
  return { UserData: Buffer.from(text).toString('base64') }
}

const placed = (settings: Ec2Settings, zone: string | null): Partial<RunInstancesRequest> => {
  if (zone === null) return {}
  const subnet = settings.subnets?.[zone]
  if (settings.subnets !== undefined && subnet === undefined)
    refuse(`zone is ${zone}; allowed of this account: ${Object.keys(settings.subnets).join(', ')}`)
  return { Placement: { AvailabilityZone: zone }, ...(subnet === undefined ? {} : { SubnetId: subnet }) }
}

/** Firewalls of its own go beside the account's groups. */
const groups = (settings: Ec2Settings, { firewalls = [] }: VmSpec): Partial<RunInstancesRequest> => {
  const SecurityGroupIds = [...new Set([...(settings.securityGroups ?? []), ...firewalls])]
  return SecurityGroupIds.length === 0 ? {} : { SecurityGroupIds }
}

/** EC2 gives a machine one key; the one that is named instead of the account's. */
const key = (settings: Ec2Settings, { sshKeysOfAccount = [] }: VmSpec): Partial<RunInstancesRequest> => {
  if (sshKeysOfAccount.length > 1)
    refuse(`${sshKeysOfAccount.length} keys by name; allowed of provider ec2: 1, and any number as public keys`)
  const KeyName = sshKeysOfAccount[0]?.name ?? settings.keyName
  return KeyName === undefined ? {} : { KeyName }
}

const disk = (settings: Ec2Settings, spec: VmSpec, rootDevice: string | null): Partial<RunInstancesRequest> => {
  if (spec.diskGb === undefined) return {}
  const DeviceName = rootDevice ?? settings.rootDevice ?? '/dev/xvda'
  const Ebs = { VolumeSize: spec.diskGb, VolumeType: 'gp3', DeleteOnTermination: true } as const
  return { BlockDeviceMappings: [{ DeviceName, Ebs }] }
}

/** The whole RunInstances call as data: token and tags are part of it, so the machine never exists without them. */
export const planCreate = (
  settings: Ec2Settings,
  spec: VmSpec,
  identity: Identity,
  offering?: Offering,
): CreateRequest => {
  const place: Offering = offering ?? firstOffering(settings, spec)
  const image = imageOf(spec.image, place.size)
  const Tags = tagsOf(spec, identity)
  const body: RunInstancesRequest = {
    MinCount: 1,
    MaxCount: 1,
    ImageId: image.id,
    InstanceType: place.size as NonNullable<RunInstancesRequest['InstanceType']>,
    ClientToken: identity.token,
    TagSpecifications: [
      { ResourceType: 'instance', Tags },
      { ResourceType: 'volume', Tags },
    ],
    MetadataOptions: { HttpTokens: 'required' },
    InstanceInitiatedShutdownBehavior: 'stop',
    ...(spec.protected === true ? { DisableApiTermination: true } : {}),
    ...(place.market === 'spot' ? { InstanceMarketOptions: { MarketType: 'spot' } } : {}),
    ...placed(settings, place.zone),
    ...disk(settings, spec, image.rootDevice),
    ...userData(spec),
    ...groups(settings, spec),
    ...key(settings, spec),
    ...(settings.instanceProfile === undefined ? {} : { IamInstanceProfile: { Name: settings.instanceProfile } }),
  }
  return { identity, offering: place, body: { ...body } }
}

import { ProviderError, type CreateRequest, type Identity, type Offering, type VmSpec } from '@re-ops/protocols'
import { userDataOf } from '../user-data.ts'
import { doCaps } from './caps.ts'
import { identityTags, machineName, suffixOf, tagOf } from './marks.ts'
import { numberOf } from './observe.ts'
import type { DoSettings } from './settings.ts'
import { imageOf, sizeSlug } from './words.ts'

/** Body of `POST /v2/droplets`. */
export type DropletRequest = {
  name: string
  region: string
  size: string
  image: string | number
  tags: string[]
  ssh_keys?: (string | number)[]
  user_data?: string
  vpc_uuid?: string
  monitoring?: boolean
  ipv6?: boolean
}

const refuse = (text: string): never => {
  throw new ProviderError('invalid', 'not-applied', text)
}

/** A region is one place. */
export const offerings = (spec: VmSpec): Offering[] => [{ size: sizeSlug(spec.size), zone: null, market: 'on-demand' }]

const tagsOf = (spec: VmSpec, identity: Identity): string[] => {
  const own = Object.entries(spec.tags ?? {})
  const reserved = own.find(([key]) => key.startsWith('recore:'))?.[0]
  if (reserved !== undefined) refuse(`tag ${reserved} is reserved; allowed of provider digitalocean: any but recore:*`)
  return [...identityTags(identity, spec.expiresAt), ...own.map(([key, value]) => tagOf(key, value))]
}

const userData = (spec: VmSpec): { user_data?: string } => {
  const text = userDataOf(spec)
  if (text === null) return {}
  const bytes = Buffer.byteLength(text)
  const { maxBytes } = doCaps.userData as { maxBytes: number }
  if (bytes > maxBytes) refuse(`user-data has ${bytes} bytes; allowed of provider digitalocean: ${maxBytes}`)
  return { user_data: text }
}

const refuseOthers = (spec: VmSpec): void => {
  if (spec.diskGb !== undefined) refuse('diskGb is given; of provider digitalocean the size decides')
  if (spec.zones !== undefined && spec.zones.length > 0) refuse('zones are given; provider digitalocean has none')
  if ((spec.market ?? 'on-demand') !== 'on-demand')
    refuse(`market is ${spec.market}; allowed of provider digitalocean: on-demand`)
}

/** Ids or fingerprints: the account's own setting, and those of the machine. */
const keys = (settings: DoSettings, { sshKeysOfAccount = [] }: VmSpec): { ssh_keys?: (string | number)[] } => {
  const ssh_keys = [...(settings.sshKeys ?? []), ...sshKeysOfAccount.map(one => numberOf(one.ref))]
  return ssh_keys.length === 0 ? {} : { ssh_keys }
}

/** The whole create call as data. */
export const planCreate = (settings: DoSettings, region: string, spec: VmSpec, identity: Identity): CreateRequest => {
  refuseOthers(spec)
  const body: DropletRequest = {
    name: machineName(spec.name, suffixOf(identity)),
    region,
    size: sizeSlug(spec.size),
    image: imageOf(spec.image),
    tags: tagsOf(spec, identity),
    ...userData(spec),
    ...keys(settings, spec),
    ...(settings.vpc === undefined ? {} : { vpc_uuid: settings.vpc }),
    ...(settings.monitoring === undefined ? {} : { monitoring: settings.monitoring }),
    ...(settings.ipv6 === undefined ? {} : { ipv6: settings.ipv6 }),
  }
  return { identity, body }
}

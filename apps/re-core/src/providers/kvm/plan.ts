import { createHash } from 'node:crypto'
import { ProviderError, type CreateRequest, type Identity, type VmSpec } from '@re-ops/protocols'
import { userDataOf } from '../user-data.ts'
import { homeOf } from './home.ts'
import { seedBytesMax } from './seed.ts'
import { imageOf, kvmDefaults, sizeOf, type KvmImage, type KvmSettings, type KvmSize } from './settings.ts'

/** The frozen request: everything the machine is made of, so that later settings change nothing of it. */
export type KvmRequest = {
  readonly name: string
  readonly size: KvmSize & { readonly name: string }
  readonly image: KvmImage & { readonly name: string }
  readonly pool: string
  readonly network: string
  readonly userData: string | null
  readonly tags: Readonly<Record<string, string>>
  readonly protected: boolean
  readonly expiresAt: string | null
  /** Volumes that are attached while it boots; absent: none. */
  readonly volumes?: number
}

const refuse = (text: string): never => {
  throw new ProviderError('invalid', 'not-applied', text)
}

const limits = { tags: 50, tagBytes: 1_024 } as const
const checkTags = (tags: Readonly<Record<string, string>>): void => {
  if (Object.keys(tags).length > limits.tags)
    refuse(`${Object.keys(tags).length} tags; allowed of provider kvm: ${limits.tags}`)
  for (const [key, value] of Object.entries(tags))
    if (Buffer.byteLength(key + value) > limits.tagBytes)
      refuse(`tag ${key.slice(0, 64)} is too long; allowed of provider kvm: ${limits.tagBytes} bytes`)
}

/** The whole machine as data. */
export const planCreate = (settings: KvmSettings, spec: VmSpec, identity: Identity): CreateRequest => {
  const size = sizeOf(settings, spec.size)
  const userData = userDataOf({ ...spec, callHome: homeOf(settings, spec.callHome) })
  const bytes = Buffer.byteLength(userData ?? '')
  if (bytes > seedBytesMax) refuse(`user-data has ${bytes} bytes; allowed of provider kvm: ${seedBytesMax}`)
  if (spec.market === 'spot') refuse('market is spot; allowed of provider kvm: on-demand')
  if (spec.zones !== undefined && spec.zones.length > 0) refuse('zones are given; provider kvm has none')
  checkTags(spec.tags ?? {})
  const body: KvmRequest = {
    name: spec.name,
    size: { ...size, name: spec.size, diskGb: spec.diskGb ?? size.diskGb },
    image: { ...imageOf(settings, spec), name: spec.image },
    pool: settings.pool ?? kvmDefaults.pool,
    network: settings.network ?? kvmDefaults.network,
    userData,
    tags: spec.tags ?? {},
    protected: spec.protected ?? false,
    expiresAt: spec.expiresAt ?? null,
    ...(spec.volumes === undefined ? {} : { volumes: spec.volumes }),
  }
  return { identity, body: { ...body } }
}

/** Names the request without telling what stands in it. */
export const digestOf = ({ body }: CreateRequest): string =>
  createHash('sha256').update(JSON.stringify(body)).digest('hex')

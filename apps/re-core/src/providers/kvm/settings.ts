import { ProviderError, type Caps, type VmSpec } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { parseSnapshotRef } from './snapshot-ref.ts'

const Path = Type.String({ pattern: '^/', maxLength: 1_024 })
const Word = Type.String({ pattern: '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$' })

/** What machines begin with: a disk image on libvirt's host, and a kernel when the image brings none to boot. */
export const KvmImage = Type.Object(
  {
    path: Path,
    format: Type.Optional(Type.Enum(['qcow2', 'raw'])),
    title: Type.Optional(Type.String({ maxLength: 200 })),
    kernel: Type.Optional(Path),
    initrd: Type.Optional(Path),
    cmdline: Type.Optional(Type.String({ maxLength: 2_048 })),
  },
  { additionalProperties: false },
)
export type KvmImage = Static<typeof KvmImage>

export const KvmSize = Type.Object(
  {
    cores: Type.Integer({ minimum: 1, maximum: 512 }),
    memoryMb: Type.Integer({ minimum: 16, maximum: 16_777_216 }),
    diskGb: Type.Integer({ minimum: 1, maximum: 65_536 }),
  },
  { additionalProperties: false },
)
export type KvmSize = Static<typeof KvmSize>

/** No password in it: settings are shown to whoever may read accounts. */
const uriPattern = '^[a-z+]+://([^/@:]*@)?[^@]*$'

/** Of an account at libvirt: which hosts, and what of theirs machines are made of. */
export const KvmSettings = Type.Object(
  {
    uri: Type.Optional(
      Type.String({
        pattern: uriPattern,
        description: 'of libvirt; qemu:///system. Without a password: ssh asks with its own keys',
        examples: ['qemu+ssh://ops@box/system'],
      }),
    ),
    uris: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z0-9-]+$' }), Type.String({ pattern: uriPattern }), {
        description: 'region -> uri',
      }),
    ),
    pool: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'where disks are made; default' })),
    network: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: "a network of libvirt's, or `user`; default" }),
    ),
    home: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s/@]+/?$',
        description:
          'where guests reach re-mote; its own address, or the gateway of the network when that is this host alone',
        examples: ['http://192.168.122.1:7020'],
      }),
    ),
    domainType: Type.Optional(
      Type.Enum(['auto', 'kvm', 'qemu'], { description: 'qemu emulates the CPU; auto: kvm where libvirt offers it' }),
    ),
    images: Type.Optional(Type.Record(Word, KvmImage)),
    sizes: Type.Optional(Type.Record(Word, KvmSize)),
  },
  { additionalProperties: false },
)
export type KvmSettings = Static<typeof KvmSettings>

export const defaultSizes: Readonly<Record<string, KvmSize>> = {
  small: { cores: 1, memoryMb: 1_024, diskGb: 10 },
  medium: { cores: 2, memoryMb: 2_048, diskGb: 20 },
  large: { cores: 4, memoryMb: 8_192, diskGb: 40 },
  xlarge: { cores: 8, memoryMb: 16_384, diskGb: 80 },
}
export const kvmDefaults = {
  uri: 'qemu:///system',
  pool: 'default',
  network: 'default',
  size: 'small',
  image: 'debian-12',
}

const chosen = <T>(what: string, name: string, from: Readonly<Record<string, T>>): T => {
  const found = Object.hasOwn(from, name) ? from[name] : undefined
  const names = Object.keys(from).join(', ') || "none (the account's settings name none)"
  if (found === undefined)
    throw new ProviderError('invalid', 'not-applied', `${what} is ${name}; allowed of this account: ${names}`)
  return found
}
export const sizesOf = ({ sizes }: KvmSettings) => sizes ?? defaultSizes
export const sizeOf = (settings: KvmSettings, name: string): KvmSize => chosen('size', name, sizesOf(settings))
/** A snapshot boots as the image did that its machine was made of. */
export const imageOf = (settings: KvmSettings, { image, size, diskGb }: VmSpec): KvmImage => {
  const snapshot = parseSnapshotRef(image)
  if (snapshot === null) return chosen('image', image, settings.images ?? {})
  const { path, base, diskGb: least } = snapshot
  const has = diskGb ?? sizeOf(settings, size).diskGb
  if (has < least)
    throw new ProviderError(
      'invalid',
      'not-applied',
      `size is ${size}, whose disk of ${has} GB is smaller than the ${least} GB of the snapshot; allowed: ${largerThan(settings, least)}`,
    )
  return { ...chosen('image', base, settings.images ?? {}), path, format: 'qcow2' }
}
const largerThan = (settings: KvmSettings, diskGb: number): string =>
  Object.entries(sizesOf(settings))
    .flatMap(([name, size]) => (size.diskGb >= diskGb ? [name] : []))
    .join(', ')

/** The region's libvirt. */
export const uriOf = ({ uri, uris }: KvmSettings, region: string): string =>
  uris === undefined ? (uri ?? kvmDefaults.uri) : chosen('region', region, uris)

/** QEMU's own network lets nobody in. */
export const networkCaps = ({ network }: KvmSettings): Pick<Caps, 'network'> =>
  network === 'user' ? { network: 'outbound' } : {}

/** A machine's disk follows its size, and can only grow. Throws `invalid`. */
export const refuseShrink = (settings: KvmSettings, from: string, to: string): void => {
  const all = sizesOf(settings)
  const has = Object.hasOwn(all, from) ? (all[from]?.diskGb ?? 0) : 0
  const { diskGb } = sizeOf(settings, to)
  if (diskGb >= has) return
  throw new ProviderError(
    'invalid',
    'not-applied',
    `size is ${to}, whose disk of ${diskGb} GB is smaller than the ${has} GB of ${from}, and disks never shrink; allowed: ${largerThan(settings, has)}`,
  )
}

import { operation, Type, type Static } from '@re-ops/pipelines'
import { scriptWith } from '../script.ts'
import { bytes } from '../show.ts'

const Text = Type.Union([Type.String(), Type.Null()])
const Device = Type.Object({
  name: Type.String(),
  parent: Text,
  type: Type.String({ description: 'disk, part, lvm, crypt, raid1, loop, rom, ...' }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  fs: Text,
  label: Text,
  uuid: Text,
  mount: Text,
  model: Text,
  serial: Text,
  rotates: Type.Boolean(),
  readOnly: Type.Boolean(),
})
type Device = Static<typeof Device>

type Raw = Readonly<Record<string, unknown>> & { readonly children?: readonly Raw[] }

/** lsblk wrote numbers and truths as text before util-linux 2.33. */
const text = (value: unknown): string | null => (typeof value === 'string' && value.trim() !== '' ? value.trim() : null)
const truth = (value: unknown): boolean => value === true || value === '1'

const flat = (raw: Raw, parent: string | null): Device[] => {
  const name = text(raw['name'])
  if (name === null) throw new Error('a block device without a name')
  const device = {
    name,
    parent,
    type: text(raw['type']) ?? 'unknown',
    sizeBytes: Number(raw['size'] ?? 0),
    fs: text(raw['fstype']),
    label: text(raw['label']),
    uuid: text(raw['uuid']),
    mount: text(raw['mountpoint']),
    model: text(raw['model']),
    serial: text(raw['serial']),
    rotates: truth(raw['rota']),
    readOnly: truth(raw['ro']),
  }
  return [device, ...(raw.children ?? []).flatMap(child => flat(child, name))]
}

export const diskBlock = operation({
  name: 'disk.block',
  doc: 'The block devices of the host: disks, partitions, volumes, with their file systems.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Array(Device),
  reads: true,
  shell: {
    script: () =>
      scriptWith(
        {},
        `command -v lsblk >/dev/null || fail "lsblk is not here"
lsblk -J -b -o NAME,TYPE,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT,MODEL,SERIAL,ROTA,RO`,
      ),
    parse: ({ stdout }) => {
      const { blockdevices } = JSON.parse(stdout) as { blockdevices: readonly Raw[] }
      return blockdevices.flatMap(one => flat(one, null))
    },
  },
  varies: { uuid: 'host', serial: 'host' },
  summary: { sizeBytes: ['max'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'DEVICE', get: (d: Device) => (d.parent === null ? d.name : `  ${d.name}`) },
      { title: 'TYPE', get: (d: Device) => d.type },
      { title: 'SIZE', get: (d: Device) => bytes(d.sizeBytes) },
      { title: 'FS', get: (d: Device) => d.fs ?? '' },
      { title: 'MOUNT', get: (d: Device) => d.mount ?? '' },
      { title: 'MODEL', get: (d: Device) => d.model ?? '' },
    ],
  },
})

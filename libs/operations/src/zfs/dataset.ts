import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { present } from '../present.ts'
import { needs, plain } from '../script.ts'
import { bytes } from '../show.ts'
import { Changed, changes, dryInput, listed, size } from './size.ts'

const Bytes = Type.Integer({ minimum: 0 })
const Dataset = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_.:/ -]*$', maxLength: 255, examples: ['tank/home'] })

const DatasetState = Type.Object({
  name: Type.String(),
  usedBytes: Bytes,
  availableBytes: Type.Optional(Bytes),
  referencedBytes: Bytes,
  mountpoint: Type.Optional(
    Type.String({ description: 'none for one that is not mounted there; absent for a volume' }),
  ),
})
type DatasetState = Static<typeof DatasetState>

export const zfsDatasets = operation({
  name: 'zfs.datasets',
  doc: 'The file systems and volumes of ZFS: what they use and may use, where they are mounted.',
  input: Type.Object({ dataset: Type.Optional(Dataset), ...becomeInput }, { additionalProperties: false }),
  output: Type.Array(DatasetState),
  reads: true,
  shell: {
    script: () => `${plain}\n${needs('zfs')}\n${listed('zfs list')}`,
    args: ({ dataset }) => (dataset === undefined ? [] : ['-r', dataset]),
    ...becomes,
    parse: ({ stdout }) =>
      [...stdout.matchAll(/^(\S.*?)\s+(\d\S*)\s+(\d\S*|-)\s+(\d\S*)\s+(\S.*?)\s*$/gm)].map(
        ([, name = '', used, available, referenced, mountpoint = '-']) =>
          present({
            name,
            usedBytes: size(used) ?? 0,
            availableBytes: size(available),
            referencedBytes: size(referenced) ?? 0,
            mountpoint: mountpoint === '-' ? undefined : mountpoint,
          }),
      ),
  },
  varies: { usedBytes: { tolerance: 0.05 }, availableBytes: { tolerance: 0.05 }, referencedBytes: { tolerance: 0.05 } },
  summary: { usedBytes: ['sum', 'max'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'DATASET', get: (one: DatasetState) => one.name },
      { title: 'USED', get: (one: DatasetState) => bytes(one.usedBytes) },
      {
        title: 'AVAILABLE',
        get: (one: DatasetState) => (one.availableBytes === undefined ? '-' : bytes(one.availableBytes)),
      },
      { title: 'MOUNTPOINT', get: (one: DatasetState) => one.mountpoint ?? '-' },
    ],
  },
})

const Snapshot = Type.Object({
  name: Type.String({ examples: ['tank/home@monday'] }),
  usedBytes: Type.Integer({ minimum: 0, description: 'by it alone' }),
  referencedBytes: Bytes,
})
type Snapshot = Static<typeof Snapshot>

export const zfsSnapshots = operation({
  name: 'zfs.snapshots',
  doc: 'The snapshots of ZFS, the oldest first.',
  input: Type.Object({ dataset: Type.Optional(Dataset), ...becomeInput }, { additionalProperties: false }),
  output: Type.Array(Snapshot),
  reads: true,
  shell: {
    script: () => `${plain}\n${needs('zfs')}\n${listed('zfs list -t snapshot -s creation')}`,
    args: ({ dataset }) => (dataset === undefined ? [] : ['-r', dataset]),
    ...becomes,
    parse: ({ stdout }) =>
      [...stdout.matchAll(/^(\S.*@\S+)\s+(\d\S*)\s+\S+\s+(\d\S*)\s/gm)].map(([, name = '', used, referenced]) => ({
        name,
        usedBytes: size(used) ?? 0,
        referencedBytes: size(referenced) ?? 0,
      })),
  },
  varies: { usedBytes: { tolerance: 0.05 } },
  summary: { name: ['count'], usedBytes: ['sum'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'SNAPSHOT', get: (one: Snapshot) => one.name },
      { title: 'USED', get: (one: Snapshot) => bytes(one.usedBytes) },
      { title: 'REFERENCED', get: (one: Snapshot) => bytes(one.referencedBytes) },
    ],
  },
})

export const zfsSnapshot = operation({
  name: 'zfs.snapshot',
  doc: 'Makes sure that a ZFS snapshot exists.',
  input: Type.Object(
    {
      dataset: Dataset,
      name: Type.String({ pattern: '^[A-Za-z0-9_.:-]+$', maxLength: 200, examples: ['before-upgrade'] }),
      recursive: Type.Optional(Type.Boolean({ description: 'of all datasets below it, at one moment' })),
      ...dryInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({ ...Changed, snapshot: Type.String() }),
  idempotent: true,
  dry: true,
  shell: {
    script: () => `${plain}
${needs('zfs')}
zfs list -H -o name "$1" >/dev/null || exit 1
if zfs list -H -t snapshot -o name "$1@$2" >/dev/null 2>&1; then echo there; exit 0; fi
[ -n "$4" ] || zfs snapshot $3 "$1@$2" || exit 1
echo made`,
    args: ({ dataset, name, recursive, dry }) => [dataset, name, recursive ? '-r' : '', dry ? 'y' : ''],
    ...becomes,
    parse: ({ stdout }, { dataset, name, dry }) => {
      const said = stdout.trim()
      if (said !== 'made' && said !== 'there') throw new Error('no answer in the output')
      return { ...changes(said === 'made', dry), snapshot: `${dataset}@${name}` }
    },
  },
  summary: { changed: ['histogram'] },
  display: {
    columns: [
      {
        title: 'SNAPSHOT',
        get: r => `${r.snapshot}${r.changed ? '' : r.wouldChange ? ' (would be made)' : ' (was there)'}`,
      },
    ],
  },
})

import { operation, Type, type AnyOperation, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { oneOf } from '../one-of.ts'
import { present } from '../present.ts'
import { needs, plain } from '../script.ts'
import { sections } from '../sections.ts'
import { bytes, percent } from '../show.ts'

const Bytes = Type.Integer({ minimum: 0 })
const Pool = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_.:-]*$', maxLength: 255, examples: ['tank'] })
const Dataset = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_.:/ -]*$', maxLength: 255, examples: ['tank/home'] })

/** A table with a headline, as `-p` prints it: which columns there are depends on the version, so they are found by name. */
const table = (stdout: string): ((name: string) => string | undefined)[] => {
  const [head = '', ...lines] = stdout.split('\n').filter(line => line.trim() !== '')
  const names = head.trim().split(/\s+/)
  return lines.map(line => {
    const cells = line.trim().split(/\s{2,}|\t| (?=-?\d)| (?=[/-])/)
    return name => cells[names.indexOf(name)]
  })
}
const powers = 'BKMGTPE'
/** Exact with `-p`. Old versions know no `-p` for all of it and write `2.04M`: powers of 1024, three digits. */
const size = (text: string | undefined) => {
  const match = /^(\d+(?:\.\d+)?)([BKMGTPE]?)$/.exec(text ?? '')
  return match ? Math.round(Number(match[1]) * 1024 ** Math.max(0, powers.indexOf(match[2] || 'B'))) : undefined
}
const share = (text: string | undefined) => {
  const number = Number.parseFloat(text ?? '')
  return Number.isNaN(number) ? undefined : number / 100
}

const PoolState = Type.Object({
  name: Type.String(),
  health: Type.String({ examples: ['ONLINE', 'DEGRADED', 'FAULTED'] }),
  sizeBytes: Type.Optional(Bytes),
  allocatedBytes: Type.Optional(Bytes),
  freeBytes: Type.Optional(Bytes),
  used: Type.Optional(Type.Number({ description: 'share, 0 to 1' })),
  fragmentation: Type.Optional(Type.Number({ description: 'share of the free space, 0 to 1' })),
  deduplication: Type.Optional(Type.Number({ description: 'ratio' })),
})
type PoolState = Static<typeof PoolState>

export const zfsPools = operation({
  name: 'zfs.pools',
  doc: 'The ZFS pools: health, size, how full and fragmented. Sizes are absent for one that is faulted.',
  input: Type.Object(becomeInput, { additionalProperties: false }),
  output: Type.Array(PoolState),
  reads: true,
  shell: {
    script: () => `${plain}\n${needs('zpool')}\nzpool list -p`,
    ...becomes,
    parse: ({ stdout }) =>
      table(stdout).map(cell =>
        present({
          name: cell('NAME') ?? '',
          health: cell('HEALTH') ?? '',
          sizeBytes: size(cell('SIZE')),
          allocatedBytes: size(cell('ALLOC')),
          freeBytes: size(cell('FREE')),
          used: share(cell('CAP')),
          fragmentation: share(cell('FRAG')),
          deduplication: cell('DEDUP') === '-' ? undefined : Number.parseFloat(cell('DEDUP') ?? '1'),
        }),
      ),
  },
  varies: {
    allocatedBytes: { tolerance: 0.05 },
    freeBytes: { tolerance: 0.05 },
    used: { tolerance: 0, absolute: 0.05 },
    fragmentation: { tolerance: 0, absolute: 0.05 },
  },
  summary: { health: ['histogram'], used: ['max'], sizeBytes: ['sum'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'POOL', get: (one: PoolState) => one.name },
      { title: 'HEALTH', get: (one: PoolState) => one.health },
      { title: 'USED', get: (one: PoolState) => (one.used === undefined ? '-' : percent(one.used)) },
      { title: 'FREE', get: (one: PoolState) => (one.freeBytes === undefined ? '-' : bytes(one.freeBytes)) },
      { title: 'SIZE', get: (one: PoolState) => (one.sizeBytes === undefined ? '-' : bytes(one.sizeBytes)) },
    ],
  },
})

const Device = Type.Object({
  name: Type.String(),
  state: Type.String(),
  read: Type.String({ description: 'errors, as zpool writes them' }),
  write: Type.String(),
  checksum: Type.String(),
})
const Status = Type.Object({
  pool: Type.String(),
  state: Type.String({ examples: ['ONLINE'] }),
  status: Type.Optional(Type.String({ description: 'what is wrong' })),
  scan: Type.Optional(Type.String({ description: 'the last scrub or resilver, or the one under way' })),
  scrubbing: Type.Boolean(),
  errors: Type.String({ examples: ['No known data errors'] }),
  devices: Type.Array(Device, { description: 'the pool itself first' }),
})
type Status = Static<typeof Status>

/** `zpool status`: fields `name: text` that go on in indented lines, and a table of devices under `config:`. */
const statuses = (stdout: string): Status[] =>
  stdout
    .split(/^(?= *pool: )/m)
    .filter(part => /^ *pool: /.test(part))
    .map(part => {
      const field = (name: string) =>
        new RegExp(`^ *${name}: *((?:.*)(?:\\n(?:\\t|\\s{8,}).*)*)`, 'm').exec(part)?.[1]?.replace(/\s+/g, ' ').trim()
      const devices = [...part.matchAll(/^\s+(\S+)\s+([A-Z]{4,})\s+(\S+)\s+(\S+)\s+(\d\S*)/gm)].map(
        ([, name = '', state = '', read = '', write = '', checksum = '']) => ({ name, state, read, write, checksum }),
      )
      const scan = field('scan')
      return present({
        pool: field('pool') ?? '',
        state: field('state') ?? '',
        status: field('status'),
        scan,
        scrubbing: scan?.startsWith('scrub in progress') === true,
        errors: field('errors') ?? '',
        devices,
      })
    })

export const zfsStatus = operation({
  name: 'zfs.status',
  doc: 'The state of ZFS pools and of each of their devices: errors, the last scrub.',
  input: Type.Object({ pool: Type.Optional(Pool), ...becomeInput }, { additionalProperties: false }),
  output: Type.Array(Status),
  reads: true,
  shell: {
    script: () => `${plain}\n${needs('zpool')}\nzpool status "$@"`,
    args: ({ pool }) => (pool === undefined ? [] : [pool]),
    ...becomes,
    parse: ({ stdout }) => statuses(stdout),
  },
  varies: { scan: 'any' },
  summary: { state: ['histogram'], errors: ['histogram'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'POOL', get: (one: Status) => one.pool },
      { title: 'STATE', get: (one: Status) => one.state },
      { title: 'ERRORS', get: (one: Status) => one.errors },
      { title: 'SCAN', get: (one: Status) => one.scan ?? '-' },
    ],
  },
})

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
    script: () => `${plain}\n${needs('zfs')}\nzfs list -p "$@"`,
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
    script: () => `${plain}\n${needs('zfs')}\nzfs list -p -t snapshot -s creation "$@"`,
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

const dryInput = { dry: Type.Optional(Type.Boolean({ description: 'only say what would change' })), ...becomeInput }
const Changed = {
  changed: Type.Boolean({ description: 'never with `dry`' }),
  wouldChange: Type.Optional(Type.Boolean({ description: 'only with `dry`' })),
}
const changes = (some: boolean, dry: boolean | undefined) =>
  dry ? { changed: false, wouldChange: some } : { changed: some }

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

export const zfsScrub = operation({
  name: 'zfs.scrub',
  doc: 'Starts (or stops) the scrub of a ZFS pool, and says how it stands. It does not wait for the end: zfs.status tells it.',
  input: Type.Object(
    {
      pool: Pool,
      action: Type.Optional(oneOf(['start', 'stop', 'pause'], { description: 'default start' })),
      ...dryInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({ ...Changed, scrubbing: Type.Boolean(), scan: Type.Optional(Type.String()) }),
  idempotent: true,
  dry: true,
  shell: {
    script: () => `${plain}
${needs('zpool')}
echo "== before"; zpool status "$1" || exit 1
case $2 in stop) flag=-s;; pause) flag=-p;; *) flag=;; esac
running=; zpool status "$1" | grep -q 'scrub in progress' && running=y
[ "$2" = start ] && wanted=\${running:+no} || wanted=\${running:-no}
[ "$wanted" = no ] || [ -n "$3" ] || zpool scrub $flag "$1" || exit 1
echo "== after"; zpool status "$1"`,
    args: ({ pool, action = 'start', dry }) => [pool, action, dry ? 'y' : ''],
    ...becomes,
    parse: ({ stdout }, { action = 'start', dry }) => {
      const parts = sections(stdout)
      const [before] = statuses(parts.get('before') ?? '')
      const [after] = statuses(parts.get('after') ?? '')
      if (!before || !after) throw new Error('no status of the pool in the output')
      return present({
        ...changes(before.scrubbing !== (action === 'start'), dry),
        scrubbing: after.scrubbing,
        scan: after.scan,
      })
    },
  },
  varies: { scan: 'any' },
  summary: { scrubbing: ['histogram'] },
  display: { columns: [{ title: 'SCAN', get: r => r.scan ?? '-' }] },
})

export const zfsOperations: readonly AnyOperation[] = [
  zfsDatasets,
  zfsPools,
  zfsScrub,
  zfsSnapshot,
  zfsSnapshots,
  zfsStatus,
]

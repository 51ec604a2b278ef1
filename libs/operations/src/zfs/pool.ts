import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { oneOf } from '../one-of.ts'
import { present } from '../present.ts'
import { needs, plain } from '../script.ts'
import { sections } from '../sections.ts'
import { bytes, percent } from '../show.ts'
import { Changed, changes, dryInput, listed, size } from './size.ts'

const Bytes = Type.Integer({ minimum: 0 })
const Pool = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_.:-]*$', maxLength: 255, examples: ['tank'] })

/** A table with a headline, as `-p` prints it: which columns there are depends on the version, so they are found by name. */
const table = (stdout: string): ((name: string) => string | undefined)[] => {
  const [head = '', ...lines] = stdout.split('\n').filter(line => line.trim() !== '')
  const names = head.trim().split(/\s+/)
  return lines.map(line => {
    const cells = line.trim().split(/\s{2,}|\t| (?=-?\d)| (?=[/-])/)
    return name => cells[names.indexOf(name)]
  })
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
    script: () => `${plain}\n${needs('zpool')}\n${listed('zpool list')}`,
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
      const scan = field('scan') ?? field('scrub') // so it was called before 2010, and in zfs-fuse
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

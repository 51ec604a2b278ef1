import { operation, Type, type AnyOperation, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { present } from '../present.ts'
import { needs } from '../script.ts'
import { bytes } from '../show.ts'

const Path = Type.String({ pattern: '^/[^\\u0000\\n]*$', maxLength: 4096 })
const repository = {
  repository: Type.String({
    pattern: '^(?!-)(?!.*://[^/@]*:[^/@]*@)[^\\u0000\\n]+$',
    maxLength: 4096,
    description: 'as for restic -r; one with a password in it is refused',
    examples: ['/srv/backup', 's3:https://s3.example.org/backup'],
  }),
  passwordFile: Type.String({
    ...Path,
    description: 'a file of the host that holds the password',
    examples: ['/etc/restic/password'],
  }),
  environmentFile: Type.Optional(
    Type.String({ ...Path, description: 'a file of the host with lines KEY=value, such as the keys of an S3 store' }),
  ),
  ...becomeInput,
}
type Repository = { repository: string; passwordFile: string; environmentFile?: string }
const Tags = Type.Optional(Type.Array(Type.String({ pattern: '^[^-,\\s][^,\\s]*$', maxLength: 200 }), { maxItems: 64 }))
const Dry = Type.Optional(Type.Boolean({ description: 'only say what would change' }))
const SnapshotId = Type.String({ pattern: '^(latest|[0-9a-f]{4,64})$', examples: ['latest', 'fc11c2d1'] })

const script = `${needs('restic')}
export HOME="\${HOME:-/root}" RESTIC_PROGRESS_FPS=0.01
[ -z "$3" ] || { set -a; . "$3"; set +a; }
RESTIC_REPOSITORY=$1 RESTIC_PASSWORD_FILE=$2; export RESTIC_REPOSITORY RESTIC_PASSWORD_FILE
unset RESTIC_PASSWORD RESTIC_PASSWORD_COMMAND
shift 3
exec restic --json "$@"`

/** The shell form of a restic command: words of the input are arguments, never text of the script. */
const restic = <I extends Repository>(words: (input: I) => readonly string[]) => ({
  script: () => script,
  args: (input: I) => [input.repository, input.passwordFile, input.environmentFile ?? '', ...words(input)],
  ...becomes,
})

const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`not JSON: ${text.slice(0, 80)}`)
  }
}
const lastJson = (stdout: string): unknown =>
  json(
    stdout
      .trim()
      .split('\n')
      .findLast(line => /^[[{]/.test(line)) ?? stdout,
  )
const number = (value: unknown) => (typeof value === 'number' ? value : 0)

const Snapshot = Type.Object({
  id: Type.String({ description: 'short' }),
  time: Type.String({ description: 'when it was made, to the second', format: 'date-time' }),
  host: Type.String(),
  paths: Type.Array(Type.String()),
  tags: Type.Array(Type.String()),
})
type Snapshot = Static<typeof Snapshot>
type RawSnapshot = {
  short_id?: string
  id?: string
  time?: string
  hostname?: string
  paths?: string[]
  tags?: string[] | null
}

const snapshotOf = (raw: RawSnapshot): Snapshot => ({
  id: raw.short_id ?? raw.id?.slice(0, 8) ?? '',
  time: new Date(raw.time ?? '').toISOString(),
  host: raw.hostname ?? '',
  paths: raw.paths ?? [],
  tags: raw.tags ?? [],
})
const snapshotRows = {
  columns: [
    { title: 'ID', get: (one: Snapshot) => one.id },
    { title: 'TIME', get: (one: Snapshot) => one.time.slice(0, 16).replace('T', ' ') },
    { title: 'HOST', get: (one: Snapshot) => one.host },
    { title: 'TAGS', get: (one: Snapshot) => one.tags.join(', ') || '-' },
    { title: 'PATHS', get: (one: Snapshot) => one.paths.join(', ') },
  ],
}

export const resticSnapshots = operation({
  name: 'restic.snapshots',
  doc: 'The snapshots in a restic repository, the newest last.',
  input: Type.Object({ ...repository, tags: Tags }, { additionalProperties: false }),
  output: Type.Array(Snapshot),
  reads: true,
  shell: {
    ...restic(({ tags = [] }: Repository & { tags?: string[] }) => [
      'snapshots',
      '--no-lock',
      ...(tags.length > 0 ? ['--tag', tags.join(',')] : []),
    ]),
    parse: ({ stdout }) => ((json(stdout) ?? []) as RawSnapshot[]).map(snapshotOf),
  },
  summary: { time: ['count'], host: ['histogram'] },
  display: { rows: found => found, ...snapshotRows },
})

const Backup = Type.Object({
  changed: Type.Boolean({ description: 'a snapshot was made; never with `dry`' }),
  wouldChange: Type.Optional(Type.Boolean({ description: 'only with `dry`' })),
  snapshot: Type.Optional(Type.String({ description: 'its id' })),
  complete: Type.Boolean({ description: 'no when some files could not be read, or some paths are not there' }),
  filesNew: Type.Integer({ minimum: 0 }),
  filesChanged: Type.Integer({ minimum: 0 }),
  filesUnmodified: Type.Integer({ minimum: 0 }),
  filesProcessed: Type.Integer({ minimum: 0 }),
  processedBytes: Type.Integer({ minimum: 0 }),
  addedBytes: Type.Integer({ minimum: 0, description: 'to the repository, before compression' }),
  seconds: Type.Number({ minimum: 0 }),
})

export const resticBackup = operation({
  name: 'restic.backup',
  doc: 'Backs up files and folders of the host into a restic repository.',
  input: Type.Object(
    {
      ...repository,
      paths: Type.Array(Path, { minItems: 1, maxItems: 1000, examples: [['/etc', '/srv']] }),
      exclude: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
          maxItems: 1000,
          description: 'patterns',
          examples: [['*.tmp']],
        }),
      ),
      tags: Tags,
      oneFileSystem: Type.Optional(Type.Boolean({ description: 'leave out other file systems mounted below' })),
      dry: Dry,
    },
    { additionalProperties: false },
  ),
  output: Backup,
  dry: true,
  shell: {
    ...restic(
      ({
        paths,
        exclude = [],
        tags = [],
        oneFileSystem,
        dry,
      }: Repository & {
        paths: string[]
        exclude?: string[]
        tags?: string[]
        oneFileSystem?: boolean
        dry?: boolean
      }) => [
        'backup',
        '--quiet',
        ...exclude.map(one => `--exclude=${one}`),
        ...tags.map(one => `--tag=${one}`),
        ...(oneFileSystem ? ['--one-file-system'] : []),
        ...(dry ? ['--dry-run'] : []),
        '--',
        ...paths,
      ],
    ),
    okCodes: () => [0, 3], // 3: a snapshot was made, but some files could not be read
    timeoutMs: () => 86_400_000,
    parse: ({ stdout, stderr, code }, { dry = false }) => {
      const raw = lastJson(stdout) as Record<string, unknown>
      if (raw['message_type'] !== 'summary') throw new Error('no summary in the output of restic')
      return present({
        changed: !dry,
        wouldChange: dry ? true : undefined,
        snapshot: dry ? undefined : String(raw['snapshot_id']),
        complete: code === 0 && !/does not exist, skipping/.test(stderr), // 0.14 exits 0 after that
        filesNew: number(raw['files_new']),
        filesChanged: number(raw['files_changed']),
        filesUnmodified: number(raw['files_unmodified']),
        filesProcessed: number(raw['total_files_processed']),
        processedBytes: number(raw['total_bytes_processed']),
        addedBytes: number(raw['data_added']),
        seconds: number(raw['total_duration']),
      })
    },
  },
  varies: ['snapshot', 'seconds', 'addedBytes'],
  summary: { addedBytes: ['sum'], processedBytes: ['sum'], filesProcessed: ['sum'], complete: ['histogram'] },
  display: {
    columns: [
      { title: 'SNAPSHOT', get: b => b.snapshot ?? '(dry)' },
      { title: 'FILES', get: b => `${b.filesProcessed} (${b.filesNew} new, ${b.filesChanged} changed)` },
      { title: 'ADDED', get: b => bytes(b.addedBytes) },
      { title: 'COMPLETE', get: b => (b.complete ? 'yes' : 'no') },
    ],
  },
})

export const resticCheck = operation({
  name: 'restic.check',
  doc: 'Checks the structure of a restic repository (and the data in it); errors are a failure.',
  input: Type.Object(
    { ...repository, readData: Type.Optional(Type.Boolean({ description: 'read all of the data as well' })) },
    { additionalProperties: false },
  ),
  output: Type.Object({ sound: Type.Literal(true) }),
  idempotent: true, // it takes a lock, so it does not only read
  shell: {
    ...restic(({ readData }: Repository & { readData?: boolean }) => ['check', ...(readData ? ['--read-data'] : [])]),
    timeoutMs: () => 86_400_000,
    parse: ({ stdout }) => {
      if (!/no errors were found|"num_errors":0/.test(stdout))
        throw new Error('restic did not say that there are no errors')
      return { sound: true as const }
    },
  },
  display: { columns: [{ title: 'SOUND', get: () => 'yes' }] },
})

export const resticStats = operation({
  name: 'restic.stats',
  doc: 'How much a restic repository holds: what restoring gives, and what it takes to store it.',
  input: Type.Object(
    {
      ...repository,
      snapshot: Type.Optional(Type.String({ ...SnapshotId, description: 'of one snapshot; default all' })),
      stored: Type.Optional(
        Type.Boolean({ description: 'what is stored (each piece once), not what would be restored' }),
      ),
    },
    { additionalProperties: false },
  ),
  output: Type.Object({ bytes: Type.Integer({ minimum: 0 }), files: Type.Integer({ minimum: 0 }) }),
  reads: true,
  shell: {
    ...restic(({ snapshot, stored }: Repository & { snapshot?: string; stored?: boolean }) => [
      'stats',
      '--no-lock',
      ...(stored ? ['--mode=raw-data'] : []),
      ...(snapshot === undefined ? [] : [snapshot]),
    ]),
    timeoutMs: () => 3_600_000,
    parse: ({ stdout }) => {
      const raw = lastJson(stdout) as Record<string, unknown>
      return { bytes: number(raw['total_size']), files: number(raw['total_file_count']) }
    },
  },
  summary: { bytes: ['sum', 'max'], files: ['sum'] },
  display: {
    columns: [
      { title: 'SIZE', get: s => bytes(s.bytes) },
      { title: 'FILES', get: s => String(s.files) },
    ],
  },
})

export const resticRestore = operation({
  name: 'restic.restore',
  doc: 'Restores a snapshot of a restic repository into a folder of the host; what is there is overwritten.',
  input: Type.Object(
    {
      ...repository,
      snapshot: Type.Optional(Type.String({ ...SnapshotId, description: 'default latest' })),
      target: Type.String({ ...Path, examples: ['/tmp/restored'] }),
      include: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
          maxItems: 1000,
          description: 'only these patterns',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    changed: Type.Literal(true),
    target: Type.String(),
    snapshot: Type.String({ description: 'as asked for' }),
  }),
  idempotent: true,
  shell: {
    ...restic(
      ({
        snapshot = 'latest',
        target,
        include = [],
      }: Repository & { snapshot?: string; target: string; include?: string[] }) => [
        'restore',
        `--target=${target}`,
        ...include.map(one => `--include=${one}`),
        snapshot,
      ],
    ),
    timeoutMs: () => 86_400_000,
    parse: (_, { target, snapshot = 'latest' }) => ({ changed: true as const, target, snapshot }),
  },
  display: { columns: [{ title: 'RESTORED', get: r => `${r.snapshot} into ${r.target}` }] },
})

const Keep = Type.Integer({ minimum: 1, maximum: 100_000 })
const keepFlags = {
  last: '--keep-last',
  hourly: '--keep-hourly',
  daily: '--keep-daily',
  weekly: '--keep-weekly',
  monthly: '--keep-monthly',
  yearly: '--keep-yearly',
} as const
type Keeps = Partial<Record<keyof typeof keepFlags, number>>
type Group = { keep: RawSnapshot[] | null; remove: RawSnapshot[] | null }

export const resticForget = operation({
  name: 'restic.forget',
  doc: 'Forgets the snapshots of a restic repository that a rule does not keep, and may free their space.',
  input: Type.Object(
    {
      ...repository,
      keep: Type.Object(
        Object.fromEntries(Object.keys(keepFlags).map(name => [name, Type.Optional(Keep)])) as Record<
          keyof typeof keepFlags,
          ReturnType<typeof Type.Optional<typeof Keep>>
        >,
        {
          additionalProperties: false,
          minProperties: 1,
          description: 'how many of each kind to keep',
          examples: [{ daily: 7, weekly: 5 }],
        },
      ),
      tags: Tags,
      prune: Type.Optional(Type.Boolean({ description: 'free the space as well' })),
      dry: Dry,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    changed: Type.Boolean(),
    wouldChange: Type.Optional(Type.Boolean({ description: 'only with `dry`' })),
    kept: Type.Integer({ minimum: 0 }),
    removed: Type.Array(Snapshot, { description: 'with `dry`: that would be' }),
  }),
  idempotent: true,
  dry: true,
  shell: {
    ...restic(
      ({
        keep,
        tags = [],
        prune,
        dry,
      }: Repository & { keep: Keeps; tags?: string[]; prune?: boolean; dry?: boolean }) => [
        'forget',
        ...Object.entries(keepFlags).flatMap(([name, flag]) => {
          const count = keep[name as keyof Keeps]
          return count === undefined ? [] : [`${flag}=${count}`]
        }),
        ...(tags.length > 0 ? [`--tag=${tags.join(',')}`] : []),
        ...(prune ? ['--prune'] : []),
        ...(dry ? ['--dry-run'] : []),
      ],
    ),
    timeoutMs: () => 86_400_000,
    parse: ({ stdout }, { dry = false }) => {
      // With --prune (and --dry-run) words for people follow the line of JSON.
      const groups = json(stdout.split('\n').find(line => line.startsWith('[')) ?? '[]') as Group[]
      const removed = groups.flatMap(group => group.remove ?? []).map(snapshotOf)
      const kept = groups.reduce((sum, group) => sum + (group.keep?.length ?? 0), 0)
      const some = removed.length > 0
      return present({ changed: !dry && some, wouldChange: dry ? some : undefined, kept, removed })
    },
  },
  summary: { kept: ['sum'], removed: ['count'], changed: ['histogram'] },
  display: { rows: found => found.removed, ...snapshotRows },
})

export const resticInit = operation({
  name: 'restic.init',
  doc: 'Makes a restic repository, if there is none yet.',
  input: Type.Object(repository, { additionalProperties: false }),
  output: Type.Object({ changed: Type.Boolean() }),
  idempotent: true,
  shell: {
    script: () =>
      script.replace(
        'exec restic --json "$@"',
        'restic --no-lock cat config >/dev/null 2>&1 || { restic init >&2 && echo made; }',
      ),
    args: input => [input.repository, input.passwordFile, input.environmentFile ?? ''],
    ...becomes,
    parse: ({ stdout }) => ({ changed: stdout.trim() === 'made' }),
  },
  summary: { changed: ['histogram'] },
  display: { columns: [{ title: 'MADE', get: r => (r.changed ? 'yes' : 'it was there') }] },
})

export const resticOperations: readonly AnyOperation[] = [
  resticBackup,
  resticCheck,
  resticForget,
  resticInit,
  resticRestore,
  resticSnapshots,
  resticStats,
]

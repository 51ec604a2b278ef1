import { operation, Type } from '@re-ops/pipelines'
import { becomes } from '../become.ts'
import { present } from '../present.ts'
import { bytes } from '../show.ts'
import { Dry, lastJson, number, Path, repository, restic, script, Tags, type Repository } from './repository.ts'

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

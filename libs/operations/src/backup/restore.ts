import { operation, Type } from '@re-ops/pipelines'
import { present } from '../present.ts'
import {
  Dry,
  json,
  Path,
  repository,
  restic,
  Snapshot,
  SnapshotId,
  snapshotOf,
  snapshotRows,
  Tags,
  type RawSnapshot,
  type Repository,
} from './repository.ts'

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

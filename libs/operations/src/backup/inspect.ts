import { operation, Type } from '@re-ops/pipelines'
import { bytes } from '../show.ts'
import {
  json,
  lastJson,
  number,
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

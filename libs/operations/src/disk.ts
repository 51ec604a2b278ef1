import { operation, Type } from '@re-ops/pipelines'
import { dfScript, mounts } from './df.ts'
import { rough } from './fold.ts'
import { sections } from './sections.ts'
import { bytes, percent } from './show.ts'

const Bytes = Type.Integer({ minimum: 0 })

export const disk = operation({
  name: 'disk',
  doc: 'Each mounted disk: size, used, available, and the share that is used.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({
    mounts: Type.Array(
      Type.Object({
        mount: Type.String(),
        device: Type.String(),
        fs: Type.String(),
        totalBytes: Bytes,
        usedBytes: Bytes,
        availableBytes: Bytes,
        used: Type.Number({ description: 'share used of what ordinary users can use, 0 to 1' }),
      }),
    ),
  }),
  reads: true,
  shell: {
    script: () => dfScript,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      return { mounts: mounts(parts.get('df'), parts.get('mounts')) }
    },
  },
  varies: {
    'mounts.usedBytes': { tolerance: 0.05, absolute: 268_435_456 },
    'mounts.availableBytes': { tolerance: 0.05, absolute: 268_435_456 },
    'mounts.used': { tolerance: 0, absolute: 0.05 },
  },
  fold: rough('mounts.totalBytes'),
  summary: { 'mounts.used': ['max'], 'mounts.totalBytes': ['sum'], 'mounts.usedBytes': ['sum'] },
  display: {
    rows: found => found.mounts,
    columns: [
      { title: 'MOUNT', get: (m: DiskMount) => m.mount },
      { title: 'USED', get: (m: DiskMount) => percent(m.used) },
      { title: 'FREE', get: (m: DiskMount) => bytes(m.availableBytes) },
      { title: 'SIZE', get: (m: DiskMount) => bytes(m.totalBytes) },
      { title: 'DEVICE', get: (m: DiskMount) => `${m.device} ${m.fs}` },
    ],
  },
})

type DiskMount = ReturnType<typeof mounts>[number]

import { operation, Type } from '@re-ops/pipelines'
import { rough } from './fold.ts'
import { meminfo } from './meminfo.ts'
import { bytes, percent } from './show.ts'

const Bytes = Type.Integer({ minimum: 0 })

export const memory = operation({
  name: 'memory',
  doc: 'Memory and swap: how much there is, how much is available to new work.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({
    totalBytes: Bytes,
    availableBytes: Bytes,
    used: Type.Number({ description: 'share of memory that is not available, 0 to 1' }),
    swapTotalBytes: Bytes,
    swapFreeBytes: Bytes,
  }),
  reads: true,
  shell: {
    command: () => ['cat', '/proc/meminfo'],
    parse: ({ stdout }) => {
      const found = meminfo(stdout)
      return { ...found, used: 1 - found.availableBytes / found.totalBytes }
    },
  },
  varies: {
    availableBytes: { tolerance: 0.2, absolute: 536_870_912 },
    used: { tolerance: 0, absolute: 0.2 },
    swapFreeBytes: { tolerance: 0.2, absolute: 268_435_456 },
  },
  fold: rough('totalBytes', 'swapTotalBytes'),
  summary: { totalBytes: ['sum'], availableBytes: ['min', 'sum'], used: ['min', 'mean', 'max'] },
  display: {
    columns: [
      { title: 'MEMORY', get: m => bytes(m.totalBytes) },
      { title: 'AVAILABLE', get: m => bytes(m.availableBytes) },
      { title: 'USED', get: m => percent(m.used) },
      { title: 'SWAP', get: m => `${bytes(m.swapTotalBytes - m.swapFreeBytes)} of ${bytes(m.swapTotalBytes)}` },
    ],
  },
})

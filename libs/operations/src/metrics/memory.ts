import { operation, Type, type Static } from '@re-ops/pipelines'
import { rough } from '../fold.ts'
import { meminfo } from '../meminfo.ts'
import { bytes, percent } from '../show.ts'

const Bytes = Type.Integer({ minimum: 0 })

const Memory = Type.Object({
  totalBytes: Bytes,
  availableBytes: Bytes,
  freeBytes: Bytes,
  buffersBytes: Bytes,
  cachedBytes: Bytes,
  dirtyBytes: Bytes,
  slabBytes: Bytes,
  swapTotalBytes: Bytes,
  swapFreeBytes: Bytes,
  used: Type.Number({ minimum: 0, maximum: 1, description: 'share that is not available to new work' }),
})
const volatileBytes = { tolerance: 0.2, absolute: 536_870_912 }

/** /proc/meminfo as a sample, for both forms. */
export const memorySample = (text: string): Static<typeof Memory> => {
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024
  const { totalBytes, availableBytes, swapTotalBytes, swapFreeBytes } = meminfo(text)
  return {
    totalBytes,
    availableBytes,
    freeBytes: kilobytes('MemFree'),
    buffersBytes: kilobytes('Buffers'),
    cachedBytes: kilobytes('Cached'),
    dirtyBytes: kilobytes('Dirty'),
    slabBytes: kilobytes('Slab'),
    swapTotalBytes,
    swapFreeBytes,
    used: Math.min(1, Math.max(0, 1 - availableBytes / totalBytes)),
  }
}

export const metricsMemory = operation({
  name: 'metrics.memory',
  doc: 'Where the memory is: available, free, cached, dirty, slab, swap.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Memory,
  reads: true,
  native: true,
  shell: { command: () => ['cat', '/proc/meminfo'], parse: ({ stdout }) => memorySample(stdout) },
  varies: {
    availableBytes: volatileBytes,
    freeBytes: volatileBytes,
    buffersBytes: volatileBytes,
    cachedBytes: volatileBytes,
    dirtyBytes: volatileBytes,
    slabBytes: volatileBytes,
    swapFreeBytes: volatileBytes,
    used: { tolerance: 0, absolute: 0.2 },
  },
  fold: rough('totalBytes', 'swapTotalBytes'),
  summary: { used: ['min', 'mean', 'max'], totalBytes: ['sum'], availableBytes: ['min', 'sum'] },
  display: {
    columns: [
      { title: 'USED', get: m => percent(m.used) },
      { title: 'AVAILABLE', get: m => bytes(m.availableBytes) },
      { title: 'CACHED', get: m => bytes(m.cachedBytes) },
      { title: 'DIRTY', get: m => bytes(m.dirtyBytes) },
      { title: 'SWAP USED', get: m => bytes(m.swapTotalBytes - m.swapFreeBytes) },
    ],
  },
})

import { wholeNumber } from './sections.ts'

/** /proc/meminfo (proc(5)) in bytes. Kernels before 3.14 have no MemAvailable; then what could be dropped counts. */
export const meminfo = (text: string) => {
  const kilobytes = new Map(
    text.split('\n').flatMap(line => {
      const match = /^(\w+):\s+(\d+)(?: kB)?$/.exec(line.trim())
      return match ? [[match[1] ?? '', Number(match[2])] as const] : []
    }),
  )
  const of = (name: string) => (kilobytes.get(name) ?? 0) * 1024
  return {
    totalBytes: wholeNumber(kilobytes.get('MemTotal')?.toString(), 'MemTotal') * 1024,
    availableBytes: kilobytes.has('MemAvailable') ? of('MemAvailable') : of('MemFree') + of('Buffers') + of('Cached'),
    swapTotalBytes: of('SwapTotal'),
    swapFreeBytes: of('SwapFree'),
  }
}

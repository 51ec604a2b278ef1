import type { Readable } from 'node:stream'

/** Reads no more of a stream until what was read of it is taken. */
export const paced = (stream: Readable, taken: Promise<void> | undefined): void => {
  if (taken === undefined) return
  stream.pause()
  void taken.finally(() => stream.resume())
}

/** Finds a line `<mark><rest>\n` in a stream, however it is cut into chunks. */
export type Cutter = {
  /** Gives what stands before the mark to `onText`, once at most; answers the rest of the mark's line once it is whole, and what follows it. */
  feed(chunk: Buffer, onText: (text: Buffer) => void): { readonly rest: string; readonly after: Buffer } | null
}

const markLineMax = 64

export const makeCutter = (mark: string): Cutter => {
  const bytes = Buffer.from(mark)
  let held: Buffer = Buffer.alloc(0)
  return {
    feed: (chunk, onText) => {
      const all = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const at = all.indexOf(bytes)
      if (at < 0) {
        const sure = all.length - begun(all, bytes)
        if (sure > 0) onText(all.subarray(0, sure))
        held = all.subarray(sure)
        return null
      }
      if (at > 0) onText(all.subarray(0, at))
      const line = all.subarray(at)
      const end = line.indexOf(10)
      if (end >= 0) {
        held = Buffer.alloc(0)
        return { rest: line.toString('latin1', bytes.length, end), after: line.subarray(end + 1) }
      }
      if (line.length > bytes.length + markLineMax) throw new Error('a line that the runner ends is not ended')
      held = line
      return null
    },
  }
}

/** How many bytes at the end of `all` may be the beginning of `mark`: all else is surely text, and somebody may wait for it. */
const begun = (all: Buffer, mark: Buffer): number => {
  for (let size = Math.min(all.length, mark.length - 1); size > 0; size -= 1)
    if (all.compare(mark, 0, size, all.length - size) === 0) return size
  return 0
}

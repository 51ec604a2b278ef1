/** Keeps the first bytes of what goes through it, and says whether there was more. */
export type Collector = { put(chunk: Uint8Array): void; text(): string; readonly truncated: boolean }

export const makeCollector = (bytesMax: number): Collector => {
  const kept: Uint8Array[] = []
  let size = 0
  let truncated = false
  return {
    put: chunk => {
      const room = bytesMax - size
      if (chunk.length > room) truncated = true
      if (room > 0) kept.push(chunk.subarray(0, room))
      size += Math.min(room, chunk.length)
    },
    // A cut may go through a character; without `stream` the rest of it would decode to a replacement character.
    text: () => new TextDecoder().decode(Buffer.concat(kept), { stream: truncated }),
    get truncated() {
      return truncated
    },
  }
}

/** Finds a line `<mark><rest>\n` in a stream, however it is cut into chunks. */
export type Cutter = {
  /** Gives what stands before the mark to `onText`; answers the rest of the mark's line once it is whole, and what follows it. */
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
        const sure = Math.max(0, all.length - bytes.length + 1)
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

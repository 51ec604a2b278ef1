/** Chunks in memory by hash, as many bytes as there is room for; one that is being read is read once, however many wait for it. */
export type ChunkCache = {
  get(hash: string, read: () => Promise<Buffer>): Promise<Buffer>
  put(hash: string, bytes: Buffer): void
}

export const makeChunkCache = (bytesMax: number): ChunkCache => {
  const kept = new Map<string, Buffer>()
  const reading = new Map<string, Promise<Buffer>>()
  let bytesKept = 0
  const put = (hash: string, bytes: Buffer): void => {
    if (kept.has(hash)) return
    kept.set(hash, bytes)
    bytesKept += bytes.length
    for (const [oldest, { length }] of kept) {
      if (bytesKept <= bytesMax) break
      kept.delete(oldest)
      bytesKept -= length
    }
  }
  return {
    put,
    get: async (hash, read) => {
      const known = kept.get(hash)
      if (known) {
        kept.delete(hash)
        kept.set(hash, known) // the one used longest ago goes first
        return known
      }
      const under = reading.get(hash)
      if (under) return under
      const promise = read()
      reading.set(hash, promise)
      try {
        const bytes = await promise
        put(hash, bytes)
        return bytes
      } finally {
        reading.delete(hash)
      }
    },
  }
}

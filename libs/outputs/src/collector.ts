/** Where a stream goes that is longer than memory may hold. */
export type Overflow = {
  /** Resolves when it took the bytes; more must not be given before. Bytes beyond its own limit are dropped, and `cut` says so. */
  write(bytes: Uint8Array): Promise<void>
  read(at: number, bytesMax: number): Promise<Uint8Array>
  /** Bytes it holds. */
  readonly size: number
  readonly cut: boolean
  /** It is whole, or as whole as it will be. */
  finish(): Promise<void>
}

/** One stream of a process: its beginning in memory, for the result; all of it in an overflow once it is longer. */
export type Collector = {
  /** Undefined when the bytes are taken at once; else a promise to wait for before the next ones. */
  put(chunk: Uint8Array): Promise<void> | undefined
  /** The stream has ended. */
  end(): void
  /** The beginning, as text. */
  text(): string
  /** Whether there is more than the beginning. */
  readonly truncated: boolean
  readonly ended: boolean
  /** Bytes that can be read now. */
  readonly size: number
  /** Whether bytes were dropped at the limit of the overflow. */
  readonly cut: boolean
  read(at: number, bytesMax: number): Promise<Uint8Array>
  /** Calls back once, when there is more to read or the stream has ended. */
  onMore(listener: () => void): void
  /** Puts what memory holds into the overflow too, so that all of it can be read when this is gone. */
  spill(): Promise<void>
}

/** `bytesMax` is what memory holds. Without `overflow` the rest is dropped. */
export const makeCollector = (bytesMax: number, overflow?: () => Promise<Overflow>): Collector => {
  const kept: Uint8Array[] = []
  let keptSize = 0
  let seen = 0
  let ended = false
  let over: Overflow | undefined
  let opening: Promise<Overflow | null> | undefined
  let writing: Promise<void> = Promise.resolve()
  let listeners: (() => void)[] = []
  const tell = () => {
    const told = listeners
    listeners = []
    for (const listener of told) listener()
  }
  /** One write after the other; the overflow begins with what memory has, so that it is the whole stream. */
  const spilled = (chunk?: Uint8Array): Promise<void> => {
    const beginning = opening === undefined ? kept.slice() : []
    opening ??= (overflow as () => Promise<Overflow>)().then(
      opened => (over = opened),
      () => null, // the disk refuses it: what is longer is dropped
    )
    const opened = opening
    const write = async () => {
      const to = await opened
      for (const bytes of chunk === undefined ? beginning : [...beginning, chunk]) await to?.write(bytes)
    }
    return (writing = writing.then(write))
  }
  const keep = (chunk: Uint8Array) => {
    kept.push(chunk)
    keptSize += chunk.length
  }
  const inMemory = (at: number, max: number): Uint8Array => {
    const bytes = kept.length === 1 ? (kept[0] as Uint8Array) : Buffer.concat(kept)
    if (kept.length > 1) kept.splice(0, kept.length, bytes)
    return bytes.subarray(at, at + max)
  }
  const size = () => Math.max(keptSize, over?.size ?? 0)
  return {
    put: chunk => {
      seen += chunk.length
      const room = bytesMax - keptSize
      if (chunk.length <= room) {
        keep(chunk)
        tell()
        return undefined
      }
      if (overflow === undefined) {
        if (room > 0) keep(chunk.subarray(0, room))
        return undefined
      }
      const written = spilled(chunk)
      if (room > 0) keep(chunk.subarray(0, room))
      return written.then(tell)
    },
    end: () => {
      ended = true
      tell()
    },
    // A cut may go through a character; without `stream` the rest of it would decode to a replacement character.
    text: () => new TextDecoder().decode(Buffer.concat(kept), { stream: seen > bytesMax }),
    get truncated() {
      return seen > bytesMax
    },
    get ended() {
      return ended
    },
    get size() {
      return size()
    },
    get cut() {
      return over?.cut ?? seen > keptSize
    },
    read: async (at, max) => (at < keptSize ? inMemory(at, max) : at < size() && over ? over.read(at, max) : empty),
    onMore: listener => void listeners.push(listener),
    spill: async () => {
      if (overflow === undefined) return
      await spilled()
      await over?.finish()
    },
  }
}
const empty = new Uint8Array()

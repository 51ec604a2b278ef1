import { callResult, Id } from '@re-ops/protocols'
import { type Static } from 'typebox'
import { Check } from 'typebox/value'
import { openSegments, type Place } from './segments.ts'

export type ResultBody = Static<typeof callResult.body>

/** Results on disk until they are settled, oldest first. */
export type Ring = {
  /** Takes room for a result of at most that many bytes, or answers `false`: nothing is evicted to make room. */
  reserve(bytes: number): boolean
  /** Gives back room that was reserved and is not needed. */
  release(bytes: number): void
  /** Stores a result in the `room` reserved for it, in bytes. Resolves when it is on disk (`sync`), else in the page cache. */
  put(result: ResultBody, room: number, sync: boolean): Promise<void>
  get(id: Id): ResultBody | null
  /** Its JSON, to be sent. */
  text(id: Id): string | null
  has(id: Id): boolean
  ids(): readonly Id[]
  /** The result is committed elsewhere; its room is free again. */
  drop(id: Id): void
  bytes(): { readonly used: number; readonly reserved: number }
  close(): void
}

/** `text` is kept until it is sent, of as many as there is room for. */
type Entry = { readonly place: Place; text?: string | undefined } | { readonly held: string }

/** Characters of results that are kept in memory beside the disk. */
const textsMax = 262_144

const parse = (line: string): ResultBody | null => {
  try {
    const result: unknown = JSON.parse(line)
    return Check(callResult.body, result) ? result : null
  } catch {
    return null // a damaged line: its call has no result then, and is reported lost
  }
}

/** Opens the ring; results whose call is `settled` already are not taken up again. */
export const openRing = (options: {
  folder: string
  bytesMax: number
  settled: (id: Id) => boolean
  /** Called before files of settled results are removed: that they are settled must be known by then. */
  beforeRemove: () => void
}): Ring => {
  const entries = new Map<Id, Entry>()
  /** How many results of each segment are not settled. */
  const live = new Map<number, number>()
  let textChars = 0
  let reservedBytes = 0

  /** Takes the text out of memory; it stays on disk. */
  const dropText = (entry: Entry): void => {
    if (!('place' in entry) || entry.text === undefined) return
    textChars -= entry.text.length
    entry.text = undefined
  }
  const count = (segment: number, more: 1 | -1): void => {
    live.set(segment, (live.get(segment) ?? 0) + more)
  }
  const forget = (id: Id): number | null => {
    const entry = entries.get(id)
    if (!entry) return null
    dropText(entry)
    entries.delete(id)
    if (!('place' in entry)) return null
    count(entry.place.segment, -1)
    return entry.place.segment
  }
  const place = (id: Id, at: Place, text?: string): void => {
    forget(id)
    const kept = textChars + (text?.length ?? 0) <= textsMax ? text : undefined
    textChars += kept?.length ?? 0
    entries.set(id, { place: at, text: kept })
    count(at.segment, 1)
  }
  const segments = openSegments({
    folder: options.folder,
    segmentBytesMax: Math.min(4 * 2 ** 20, Math.floor(options.bytesMax / 8)),
    onLine: (line, at) => {
      const result = parse(line)
      if (result && !options.settled(result.id)) place(result.id, at)
    },
  })

  const free = (segment: number): void => {
    if ((live.get(segment) ?? 0) > 0) return
    live.delete(segment)
    options.beforeRemove()
    segments.remove(segment)
  }
  /** Gives back the room of settled results: moves the few live ones of old segments forward, then removes those. */
  const reclaim = (): void => {
    if (segments.bytes() > 0) segments.rotate()
    const old = segments.closed()
    for (const [id, entry] of entries) {
      if (!('place' in entry) || !old.includes(entry.place.segment)) continue
      const moved = segments.append(segments.read(entry.place))
      count(entry.place.segment, -1)
      entries.set(id, { ...entry, place: moved }) // keeps its turn: a Map keeps the order of first insertion
      count(moved.segment, 1)
    }
    segments.rotate() // syncs the moved ones before their old copies go
    for (const segment of old) free(segment)
  }
  const liveBytes = (): number => {
    let sum = 0
    for (const entry of entries.values()) if ('place' in entry) sum += entry.place.length + 1
    return sum
  }
  const release = (bytes: number): void => {
    reservedBytes -= bytes
  }
  for (const segment of segments.closed()) free(segment)
  const text = (id: Id): string | null => {
    const entry = entries.get(id)
    if (!entry) return null
    return 'held' in entry ? entry.held : (entry.text ?? segments.read(entry.place))
  }

  return {
    reserve: bytes => {
      const fits = () => segments.bytes() + reservedBytes + bytes <= options.bytesMax
      // Moving costs reads and writes, so it is done only when it makes room that is needed.
      if (!fits() && liveBytes() + reservedBytes + bytes <= options.bytesMax) reclaim()
      if (!fits()) return false
      reservedBytes += bytes
      return true
    },
    release,
    put: async (result, room, sync) => {
      const text = JSON.stringify(result)
      try {
        place(result.id, segments.append(text), text)
      } catch {
        entries.set(result.id, { held: text }) // the disk refuses: kept in memory, so it is still sent
        return
      } finally {
        release(room)
      }
      if (sync) await segments.synced()
    },
    get: id => {
      const found = text(id)
      return found === null ? null : parse(found)
    },
    text: id => {
      const found = text(id)
      const entry = entries.get(id)
      if (entry) dropText(entry) // once sent it is asked for again only after a lost session
      return found
    },
    has: id => entries.has(id),
    ids: () => [...entries.keys()],
    drop: id => {
      const segment = forget(id)
      if (segment !== null && !segments.isActive(segment)) free(segment)
    },
    bytes: () => ({ used: segments.bytes(), reserved: reservedBytes }),
    close: () => segments.close(),
  }
}

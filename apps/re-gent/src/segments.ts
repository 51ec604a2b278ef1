import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readdirSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeFolder, syncFolder, syncFolderNow } from './durable.ts'
import { fdatasync } from './files.ts'

/** Where a line stands: number of its segment, offset and length in bytes. */
export type Place = { readonly segment: number; readonly offset: number; readonly length: number }

/** Lines in files `00000001.ndjson`, ...: appended to the newest, removed by whole files. */
export type Segments = {
  /** The line is in the page cache when this returns: it survives our death, not the machine's. Throws when the disk refuses. */
  append(line: string): Place
  /** Goes to disk with the next line or sync, at the latest after `lazyMs`: for what the disk tells without it too. */
  appendLazily(line: string): void
  /** Lazy lines are in the page cache when this returns. */
  flush(): void
  /** Resolves when all lines appended so far are on disk. Callers at the same time share one sync. */
  synced(): Promise<void>
  read(place: Place): string
  /** Whether this one is the newest, which is written. */
  isActive(segment: number): boolean
  /** Segments that are not written any more, oldest first. */
  closed(): readonly number[]
  /** How many those are. */
  closedCount(): number
  /** Bytes of one segment, or of all. */
  bytes(segment?: number): number
  /** Closes the newest segment and starts another. */
  rotate(): void
  remove(segment: number): void
  /** Nothing is written, synced, read or removed any more; another call is no error. */
  close(): void
}

export type SegmentsOptions = {
  readonly folder: string
  readonly segmentBytesMax: number
  /** Called for each line found at start, in order. */
  readonly onLine: (line: string, place: Place) => void
  /** First line of each new segment. */
  readonly header?: () => string
}

const lazyMs = 5_000

const nameOf = (segment: number): string => `${String(segment).padStart(8, '0')}.ndjson`

/** Reads one segment; a last line without its end was never acknowledged (we died writing it) and is cut off. */
const load = (path: string, segment: number, onLine: SegmentsOptions['onLine']): number => {
  const bytes = readFileSync(path)
  let offset = 0
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, offset)) {
    const length = end - offset
    onLine(bytes.toString('utf8', offset, end), { segment, offset, length })
    offset = end + 1
  }
  if (offset < bytes.length) truncateSync(path, offset)
  return offset
}

const writeRest = (fd: number, bytes: Buffer, from: number): void => {
  for (let done = from; done < bytes.length;) done += writeSync(fd, bytes, done)
}

export const openSegments = ({ folder, segmentBytesMax, onLine, header }: SegmentsOptions): Segments => {
  makeFolder(folder)
  const sizes = new Map<number, number>()
  const found = readdirSync(folder).flatMap(name => (/^\d{8}\.ndjson$/.test(name) ? [Number.parseInt(name, 10)] : []))
  for (const segment of found.sort((a, b) => a - b))
    sizes.set(segment, load(join(folder, nameOf(segment)), segment, onLine))

  let active = Math.max(1, ...sizes.keys())
  let fd = openSync(join(folder, nameOf(active)), 'a+', 0o600)
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  let written = 0
  let durable = 0
  let running: Promise<void> | null = null
  let waiting: Promise<void> | null = null
  let closed = false
  let lazy = ''
  let lazyTimer: NodeJS.Timeout | undefined
  let isNamed = false // its name may not be durable yet; the first sync makes it so
  const open = (): void => {
    if (closed) throw new Error(`the files in ${folder} are closed`)
  }

  const put = (text: string): { offset: number; length: number } => {
    open() // the number of a closed descriptor may be another file's by now
    const offset = sizes.get(active) ?? 0
    const length = Buffer.byteLength(text)
    try {
      // As text, which spares a copy; the disk takes it whole, as a rule.
      const begun = writeSync(fd, text)
      if (begun < length) writeRest(fd, Buffer.from(text), begun)
    } catch (error) {
      ftruncateSync(fd, offset) // a part of a line must not become the head of the next one
      throw error
    }
    sizes.set(active, offset + length)
    total += length
    written += 1
    return { offset, length }
  }
  const write = (line: string): Place => {
    const before = lazy
    const { offset, length } = put(`${before}${line}\n`)
    lazy = ''
    const skipped = before === '' ? 0 : Buffer.byteLength(before)
    return { segment: active, offset: offset + skipped, length: length - skipped - 1 }
  }
  const flush = (): void => {
    clearTimeout(lazyTimer)
    lazyTimer = undefined
    if (lazy === '' || closed) return
    put(lazy)
    lazy = ''
  }
  const rotate = (): void => {
    flush()
    const [old, syncing] = [fd, running]
    fdatasyncSync(old)
    durable = written
    active += 1
    fd = openSync(join(folder, nameOf(active)), 'a+', 0o600)
    sizes.set(active, 0)
    syncFolderNow(folder)
    const close = () => closeSync(old)
    if (syncing) void syncing.then(close, close)
    else close()
    if (header) write(header())
  }
  const sync = async (): Promise<void> => {
    waiting = null
    const upTo = written
    open()
    await fdatasync(fd)
    if (!isNamed) await syncFolder(folder)
    isNamed = true
    durable = Math.max(durable, upTo)
  }
  if (!sizes.has(active)) {
    sizes.set(active, 0)
    if (header) write(header())
  }
  return {
    append: line => {
      if (!closed && (sizes.get(active) ?? 0) >= segmentBytesMax) rotate()
      return write(line)
    },
    appendLazily: line => {
      open()
      lazy += `${line}\n`
      lazyTimer ??= setTimeout(() => {
        try {
          flush()
        } catch {
          lazyTimer = undefined // kept; the next line that is written takes it along, or tells what is wrong
        }
      }, lazyMs)
    },
    flush,
    synced: () => {
      flush()
      if (durable === written) return Promise.resolve()
      waiting ??= (running ?? Promise.resolve()).then(
        () => (running = sync()),
        () => (running = sync()),
      )
      return waiting
    },
    read: ({ segment, offset, length }) => {
      open()
      const other = segment === active ? null : openSync(join(folder, nameOf(segment)), 'r')
      try {
        const bytes = Buffer.allocUnsafe(length)
        const got = readSync(other ?? fd, bytes, 0, length, offset)
        return bytes.toString('utf8', 0, got)
      } finally {
        if (other !== null) closeSync(other)
      }
    },
    isActive: segment => segment === active,
    closed: () => [...sizes.keys()].filter(segment => segment !== active),
    closedCount: () => sizes.size - 1,
    bytes: segment => (segment === undefined ? total : (sizes.get(segment) ?? 0)),
    rotate,
    remove: segment => {
      if (closed) return
      total -= sizes.get(segment) ?? 0
      sizes.delete(segment)
      rmSync(join(folder, nameOf(segment)), { force: true })
    },
    close: () => {
      if (closed) return
      clearTimeout(lazyTimer)
      closed = true
      const close = () => closeSync(fd)
      if (running && durable < written) void running.then(close, close)
      else close()
    },
  }
}

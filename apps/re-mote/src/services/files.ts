import { createHash, type Hash } from 'node:crypto'
import type { Contents, Opened, Taker } from '@re-ops/operations'
import { chunksOf, fileHashOf, fileLimits, type FileManifest, type FileUpload } from '@re-ops/protocols'
import { HttpProblem, withRetry, type Log, type Pool } from '@re-ops/service'
import {
  findChunk,
  findFiles,
  putChunk,
  putFile,
  removePart,
  removeUnused,
  storedBytes,
  useChunks,
  useFiles,
  type FileRow,
} from '../store/files.ts'
import { makeChunkCache } from './chunk-cache.ts'

export type FilesDeps = {
  readonly log: Log
  readonly pool: Pool
  /** Of all contents together, and days for which one is kept that nobody uses. */
  readonly bytesMax: number
  readonly keptDays: number
}
/** Contents of files, by their hash: in Postgres, and what is under way in a cache that all calls share. */
export type Files = {
  /** What is missing of a content, or that it is whole; all of it is looked at before it counts as whole. */
  upload(manifest: FileManifest, subject: string): Promise<FileUpload>
  putChunk(hash: string, bytes: Buffer): Promise<void>
  /** A complete content; null when there is none. */
  find(hash: string): Promise<FileRow | null>
  /** Throws when it is not there, or is not what its hash says. */
  chunk(file: FileRow, index: number): Promise<Buffer>
  /** From a byte on, a chunk at a time. */
  bytes(file: FileRow, from: number): AsyncIterable<Buffer>
  whole(hash: string, bytesMax: number): Promise<Buffer>
  /** For the calls of one subject, straight from and to the store. */
  contentsFor(subject: string): Contents
  offer(hash: string, size: number, subject: string): Promise<Taker | null>
  /** Of these, those that are not here; the others are kept for a while longer. */
  missing(hashes: readonly string[]): Promise<string[]>
  forget(hash: string): void
  close(): void
}

const cacheBytesMax = 64 * 1024 * 1024
const rowsKeptMax = 256
const sweepEveryMs = 10 * 60_000
const empty = fileHashOf(Buffer.alloc(0))

export const makeFiles = (deps: FilesDeps): Files => {
  const { log, pool, bytesMax, keptDays } = deps
  const cache = makeChunkCache(cacheBytesMax)
  const rows = new Map<string, FileRow>()
  let bytesKnown: number | null = null

  const sweep = async (): Promise<void> => {
    const { files, chunks } = await removeUnused(pool, keptDays)
    rows.clear()
    bytesKnown = await storedBytes(pool)
    if (files + chunks > 0) log.info({ files, chunks, bytes: bytesKnown }, 'contents that nobody used are removed')
  }
  const timer = setInterval(() => {
    sweep().catch((error: unknown) => log.warn({ err: error }, 'unused contents could not be removed'))
  }, sweepEveryMs)

  const store = async (hash: string, bytes: Buffer): Promise<void> => {
    bytesKnown ??= await storedBytes(pool)
    if (bytesKnown + bytes.length > bytesMax) {
      bytesKnown = await storedBytes(pool)
      if (bytesKnown + bytes.length > bytesMax)
        throw new HttpProblem(
          507,
          'no-room-for-files',
          'No room for files',
          `contents take ${bytesKnown} bytes; at most ${bytesMax} are allowed (REMOTE_FILES_BYTES_MAX); DELETE /v1/files/:hash makes room within a day`,
        )
    }
    await withRetry(() => putChunk(pool, hash, bytes))
    bytesKnown += bytes.length
    cache.put(hash, bytes)
  }
  const chunkByHash = (hash: string): Promise<Buffer> =>
    cache.get(hash, async () => {
      const bytes = await withRetry(() => findChunk(pool, hash))
      if (bytes === null) throw new Error('a chunk of the stored content is gone')
      if (fileHashOf(bytes) !== hash) throw new Error('a chunk of the stored content is damaged: its hash is another')
      return bytes
    })
  const find = async (hash: string): Promise<FileRow | null> => {
    if (hash === empty) return { hash, size: 0, chunks: [], prefixes: [], complete: true }
    const known = rows.get(hash)
    if (known) return known
    const [row] = await findFiles(pool, [hash])
    if (row?.complete !== true) return null
    rows.set(hash, row)
    for (const oldest of rows.keys()) {
      if (rows.size <= rowsKeptMax) break
      rows.delete(oldest)
    }
    return row
  }
  const chunk = (file: FileRow, index: number): Promise<Buffer> => {
    const hash = file.chunks[index]
    if (hash === undefined) throw new Error(`content ${file.hash} has no chunk ${index}`)
    return chunkByHash(hash)
  }
  const bytesOf = async function* (file: FileRow, from: number): AsyncGenerator<Buffer> {
    const first = Math.floor(from / fileLimits.chunkBytes)
    let next = first < file.chunks.length ? chunk(file, first) : null
    next?.catch(() => undefined) // told when its turn comes
    for (let index = first; next !== null; index += 1) {
      const bytes: Buffer = await next
      next = index + 1 < file.chunks.length ? chunk(file, index + 1) : null
      next?.catch(() => undefined)
      yield index === first ? bytes.subarray(from - first * fileLimits.chunkBytes) : bytes
    }
  }
  const open = async (hash: string, from: number, prefix?: string): Promise<Opened> => {
    const file = await find(hash)
    if (!file) throw new Error(`the service has no content ${hash}`)
    const start = startOf(file, from, prefix)
    return { from: start, size: file.size, bytes: bytesOf(file, start) }
  }

  const offer = async (hash: string, size: number, subject: string): Promise<Taker | null> => {
    if (hash === empty && size === 0) return null
    if (size > fileLimits.fileBytesMax)
      throw new Error(`it has ${size} bytes; at most ${fileLimits.fileBytesMax} are allowed`)
    const [row] = await findFiles(pool, [hash])
    if (row?.complete) {
      await useFiles(pool, [hash])
      return null
    }
    const begun = row?.size === size ? row : { hash, size, chunks: [], prefixes: [], complete: false }
    const own = {
      put: (file: FileRow) => withRetry(() => putFile(pool, file, subject)),
      drop: () => removePart(pool, hash),
    }
    return makeTaker({ store, chunkByHash, ...own }, begun)
  }

  return {
    find,
    chunk,
    bytes: bytesOf,
    offer,
    contentsFor: subject => ({ open, offer: (hash, size) => offer(hash, size, subject) }),
    putChunk: async (hash, bytes) => {
      if (fileHashOf(bytes) !== hash) throw badChunk(`/body is not the chunk ${hash}: its hash is another`)
      await store(hash, bytes)
    },
    upload: async ({ hash, size, chunks }, subject) => {
      if (chunks.length !== chunksOf(size))
        throw badChunk(
          `/body/chunks has ${chunks.length}; ${size} bytes are ${chunksOf(size)} chunks of ${fileLimits.chunkBytes}`,
        )
      if ((await useFiles(pool, [hash])).length > 0 || hash === empty) return { hash, complete: true, missing: [] }
      const here = await useChunks(pool, chunks)
      const missing = [...new Set(chunks.filter(one => !here.has(one)))]
      if (missing.length > 0) return { hash, complete: false, missing }
      const whole = createHash('sha256')
      const prefixes: string[] = []
      let bytes = 0
      for (const one of chunks) {
        const chunk = await chunkByHash(one)
        bytes += chunk.length
        prefixes.push(whole.update(chunk).copy().digest('hex'))
        if (chunk.length !== fileLimits.chunkBytes && prefixes.length < chunks.length)
          throw badChunk(
            `/body/chunks/${prefixes.length - 1} has ${chunk.length} bytes; only the last may have other than ${fileLimits.chunkBytes}`,
          )
      }
      if (bytes !== size) throw badChunk(`/body/size is ${size}, but the chunks have ${bytes} bytes`)
      if (prefixes.at(-1) !== hash) throw badChunk('/body/hash is not that of the chunks together')
      await putFile(pool, { hash, size, chunks, prefixes, complete: true }, subject)
      return { hash, complete: true, missing: [] }
    },
    whole: async (hash, max) => {
      const file = await find(hash)
      if (!file) throw new Error(`the service has no content ${hash}`)
      if (file.size > max) throw new Error(`content ${hash} has ${file.size} bytes; at most ${max} are allowed here`)
      const chunks: Buffer[] = []
      for await (const one of bytesOf(file, 0)) chunks.push(one)
      return Buffer.concat(chunks)
    },
    missing: async hashes => {
      const here = new Set(await useFiles(pool, hashes))
      return hashes.filter(hash => !here.has(hash) && hash !== empty)
    },
    forget: hash => void rows.delete(hash),
    close: () => clearInterval(timer),
  }
}

const badChunk = (detail: string) => new HttpProblem(400, 'bad-content', 'Bad content', detail)

/** Where a host that has `from` bytes goes on: there, when they are the beginning of this content; else at the beginning. */
const startOf = (file: FileRow, from: number, prefix: string | undefined): number => {
  if (from === 0 || from > file.size) return 0
  if (prefix === undefined) return 0
  const chunks = Math.ceil(from / fileLimits.chunkBytes)
  const end = Math.min(file.size, chunks * fileLimits.chunkBytes)
  return end === from && file.prefixes[chunks - 1] === prefix ? from : 0
}

type TakerDeps = {
  store(hash: string, bytes: Buffer): Promise<void>
  chunkByHash(hash: string): Promise<Buffer>
  put(file: FileRow): Promise<void>
  drop(): Promise<void>
}
/** Takes a content on from what is here of it. Each chunk is stored, and noted in its row, before there is room for more. */
const makeTaker = async ({ store, chunkByHash, put, drop }: TakerDeps, begun: FileRow): Promise<Taker> => {
  const { hash, size } = begun
  const whole: Hash = createHash('sha256')
  const chunks: string[] = []
  const prefixes: string[] = []
  const take = (bytes: Buffer): void => {
    prefixes.push(whole.update(bytes).copy().digest('hex'))
  }
  for (const one of begun.chunks) {
    const bytes = await chunkByHash(one).catch(() => null)
    if (bytes === null) break
    chunks.push(one)
    take(bytes)
  }
  let held: Buffer[] = []
  let heldBytes = 0
  const from = Math.min(size, chunks.length * fileLimits.chunkBytes)
  let at = from
  const keep = async (): Promise<void> => {
    const bytes = Buffer.concat(held)
    held = []
    heldBytes = 0
    const own = fileHashOf(bytes)
    await store(own, bytes)
    chunks.push(own)
    take(bytes)
    if (at < size) await put({ hash, size, chunks, prefixes, complete: false })
  }
  return {
    from,
    write: async bytes => {
      for (let rest = Buffer.from(bytes); rest.length > 0;) {
        const piece = rest.subarray(0, fileLimits.chunkBytes - heldBytes)
        rest = rest.subarray(piece.length)
        held.push(piece)
        heldBytes += piece.length
        at += piece.length
        if (heldBytes === fileLimits.chunkBytes || at === size) await keep()
      }
    },
    end: async () => {
      if (at !== size) throw new Error(`only ${at} of ${size} bytes came`)
      if (prefixes.at(-1) !== hash) {
        await drop() // else every later try would go on from it
        throw new Error('what came is not what was promised: it changed while it was read')
      }
      await put({ hash, size, chunks, prefixes, complete: true })
    },
  }
}

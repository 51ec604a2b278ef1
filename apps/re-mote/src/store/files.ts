import { fileLimits, type StoredFile } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

/** A content as far as it is here: `prefixes` has, for each chunk, the hash of all up to its end. */
export type FileRow = {
  readonly hash: string
  readonly size: number
  readonly chunks: readonly string[]
  readonly prefixes: readonly string[]
  readonly complete: boolean
}
type Listed = {
  hash: string
  size: string
  count: number
  complete: boolean
  created_by: string
  created_at: Date
  used_at: Date
}

const listed = 'hash, size, cardinality(chunks) as count, complete, created_by, created_at, used_at'
const storedOf = (row: Listed): StoredFile => ({
  hash: row.hash,
  size: Number(row.size),
  chunkBytes: fileLimits.chunkBytes,
  complete: row.complete,
  storedBytes: Math.min(Number(row.size), row.count * fileLimits.chunkBytes),
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  usedAt: row.used_at.toISOString(),
})

/** Of these, in any order. */
export const findFiles = async (sql: Sql, hashes: readonly string[]): Promise<FileRow[]> => {
  const { rows } = await sql.query<Omit<FileRow, 'size'> & { size: string }>(
    'select hash, size, chunks, prefixes, complete from mote.file where hash = any($1::text[])',
    [hashes],
  )
  return rows.map(row => ({ ...row, size: Number(row.size) }))
}

/** Of these, those that are complete; they count as used now. */
export const useFiles = async (sql: Sql, hashes: readonly string[]): Promise<string[]> => {
  const { rows } = await sql.query<{ hash: string }>(
    'update mote.file set used_at = now() where hash = any($1::text[]) and complete returning hash',
    [hashes],
  )
  return rows.map(row => row.hash)
}

/** Newest first. */
export const listFiles = async (sql: Sql, limit: number): Promise<StoredFile[]> =>
  (
    await sql.query<Listed>(`select ${listed} from mote.file order by created_at desc, hash limit $1`, [limit])
  ).rows.map(storedOf)

export const findStoredFile = async (sql: Sql, hash: string): Promise<StoredFile | null> => {
  const { rows } = await sql.query<Listed>(`select ${listed} from mote.file where hash = $1`, [hash])
  return rows[0] ? storedOf(rows[0]) : null
}

/** Keeps how far a content has come, unless it has come further by another way. */
export const putFile = async (sql: Sql, file: FileRow, subject: string): Promise<void> => {
  const { hash, size, chunks, prefixes, complete } = file
  await sql.query(
    `insert into mote.file as f (hash, size, chunks, prefixes, complete, created_by) values ($1, $2, $3, $4, $5, $6)
     on conflict (hash) do update set chunks = excluded.chunks, prefixes = excluded.prefixes, complete = excluded.complete, used_at = now()
     where not f.complete and (excluded.complete or cardinality(excluded.chunks) > cardinality(f.chunks))`,
    [hash, size, chunks, prefixes, complete, subject],
  )
}

/** Whether there was one. Its chunks go when no other file has them (see removeUnused). */
export const removeFile = async (sql: Sql, hash: string): Promise<boolean> =>
  (await sql.query('delete from mote.file where hash = $1', [hash])).rowCount === 1

/** Forgets how far a content has come that is not whole. */
export const removePart = async (sql: Sql, hash: string): Promise<void> => {
  await sql.query('delete from mote.file where hash = $1 and not complete', [hash])
}

/** Of these chunks, those that are here; they count as used now, so that nobody removes them meanwhile. */
export const useChunks = async (sql: Sql, hashes: readonly string[]): Promise<Set<string>> => {
  const { rows } = await sql.query<{ hash: string }>(
    'update mote.file_chunk set used_at = now() where hash = any($1::text[]) returning hash',
    [hashes],
  )
  return new Set(rows.map(row => row.hash))
}

export const putChunk = async (sql: Sql, hash: string, bytes: Uint8Array): Promise<void> => {
  await sql.query(
    'insert into mote.file_chunk (hash, bytes) values ($1, $2) on conflict (hash) do update set used_at = now()',
    [hash, bytes],
  )
}

export const findChunk = async (sql: Sql, hash: string): Promise<Buffer | null> => {
  const { rows } = await sql.query<{ bytes: Buffer }>('select bytes from mote.file_chunk where hash = $1', [hash])
  return rows[0]?.bytes ?? null
}

export const storedBytes = async (sql: Sql): Promise<number> => {
  const { rows } = await sql.query<{ bytes: string }>(
    'select coalesce(sum(octet_length(bytes)), 0) as bytes from mote.file_chunk',
  )
  return Number(rows[0]?.bytes ?? 0)
}

const chunksAtOnce = 500

/** Files that nobody has used for so many days, and chunks that no file has. Answers how many of each. */
export const removeUnused = async (sql: Sql, keptDays: number): Promise<{ files: number; chunks: number }> => {
  const files = await sql.query('delete from mote.file where used_at < now() - make_interval(days => $1)', [keptDays])
  const chunks = await sql.query(
    `delete from mote.file_chunk where hash in (
       select c.hash from mote.file_chunk c where c.used_at < now() - interval '1 day'
       and not exists (select from mote.file f where f.chunks @> array[c.hash]) limit $1)
     and used_at < now() - interval '1 day'`,
    [chunksAtOnce],
  )
  return { files: files.rowCount ?? 0, chunks: chunks.rowCount ?? 0 }
}

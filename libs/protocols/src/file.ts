import { createHash } from 'node:crypto'
import { Type, type Static } from 'typebox'

/** Limits of stored contents and how they travel, stated once. Bytes and counts. */
export const fileLimits = {
  /** Of one file. A list of chunks as long as that still fits into one request. */
  fileBytesMax: 4_294_967_296,
  /** Every chunk of a file but the last has this size: 16 parts, and a body that any proxy lets through. */
  chunkBytes: 786_432,
  /** Of one message: base64 makes 64 KiB of it. */
  partBytes: 49_152,
  /** Chunks that a call has under way at once: its credit. */
  chunksUnderWayMax: 2,
  /** Different contents that one call may take (a folder's files). */
  contentsPerCallMax: 100_000,
  /** Of the list of a folder's entries. */
  treeBytesMax: 16_777_216,
} as const

export const chunksMax = Math.ceil(fileLimits.fileBytesMax / fileLimits.chunkBytes)

/** SHA-256 of a content, hex. Always of this form, so it is safe as a part of a file name and as a word of a shell. */
export const FileHash = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the content, hex' })
export type FileHash = Static<typeof FileHash>
export const FileSize = Type.Integer({ minimum: 0, maximum: fileLimits.fileBytesMax, description: 'bytes' })

/** Body of `POST /v1/files`: a content by its hash and that of each of its chunks, in order. */
export const FileManifest = Type.Object(
  {
    hash: FileHash,
    size: FileSize,
    chunks: Type.Array(FileHash, {
      maxItems: chunksMax,
      description: `each of ${fileLimits.chunkBytes} bytes, the last of the rest`,
    }),
  },
  { additionalProperties: false },
)
export type FileManifest = Static<typeof FileManifest>

/** What is stored of a content. */
export const StoredFile = Type.Object({
  hash: FileHash,
  size: FileSize,
  chunkBytes: Type.Integer(),
  complete: Type.Boolean({ description: 'all of it is here, and it is what its hash says' }),
  storedBytes: Type.Integer({ description: 'how much of it is here' }),
  createdBy: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
  usedAt: Type.String({ format: 'date-time', description: 'it is kept for a while from then on' }),
})
export type StoredFile = Static<typeof StoredFile>

/** Answer to `POST /v1/files`: what is still to be sent, each chunk by `PUT /v1/files/chunks/:hash`. Then the same again. */
export const FileUpload = Type.Object({
  hash: FileHash,
  complete: Type.Boolean(),
  missing: Type.Array(FileHash),
})
export type FileUpload = Static<typeof FileUpload>

export const fileHashOf = (bytes: Uint8Array): FileHash => createHash('sha256').update(bytes).digest('hex')

/** How many chunks a content of that size has. */
export const chunksOf = (size: number): number => Math.ceil(size / fileLimits.chunkBytes)

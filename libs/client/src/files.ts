import { createHash } from 'node:crypto'
import { fileHashOf, fileLimits, type FileManifest, type FileUpload, type StoredFile } from '@re-ops/protocols'
import { ClientError } from './error.ts'
import { authorized, refused, send, unreachable, urlOf, type CallOptions, type Service } from './http.ts'
import { fileShape, shaped, shapedList, uploadShape } from './shape.ts'

/** Where a content is read from: any part of it, more than once. */
export type FileSource = { readonly size: number; read(from: number, length: number): Promise<Uint8Array> }
export type StoreOptions = CallOptions & {
  /** Bytes that are there, of all; what was there before counts. */
  readonly onProgress?: (storedBytes: number, size: number) => void
}

const parallelMax = 4
const resumesMax = 8
const segment = encodeURIComponent

/** The manifest of a content: its hash, and those of its chunks. Reads it once. */
export const manifestOf = async (source: FileSource): Promise<FileManifest> => {
  const whole = createHash('sha256')
  const chunks: string[] = []
  for (let from = 0; from < source.size; from += fileLimits.chunkBytes) {
    const length = Math.min(fileLimits.chunkBytes, source.size - from)
    const bytes = await source.read(from, length)
    if (bytes.length !== length) throw new ClientError('malformed', 'the file changed while it was read')
    whole.update(bytes)
    chunks.push(fileHashOf(bytes))
  }
  return { hash: whole.digest('hex'), size: source.size, chunks }
}

/** Contents of files at re-mote. Each call throws ClientError. */
export const makeFiles = (service: Service) => {
  const url = service.url ?? service.name
  const upload = async (body: FileManifest, options: CallOptions): Promise<FileUpload> =>
    shaped(await send(service, { ...options, method: 'POST', path: '/v1/files', body }), 'upload', uploadShape, url)

  /** From a byte on, as they come; throws when the connection breaks. */
  const stream = async function* (hash: string, from: number, options: CallOptions): AsyncGenerator<Uint8Array> {
    const at = urlOf(service, `/v1/files/${segment(hash)}/content?from=${from}`)
    const response = await service.fetch(at, {
      headers: await authorized(service),
      ...(options.signal ? { signal: options.signal } : {}),
    })
    if (!response.ok) throw refused(service, at, response.status, await response.text())
    for await (const bytes of response.body ?? []) yield bytes as Uint8Array
  }
  return {
    /**
     * Stores a content, sending only the chunks that are not there: what an earlier try has sent, or another file has in common, is not
     * sent again. Then runs may name it by its hash.
     */
    storeFile: async (source: FileSource, options: StoreOptions = {}): Promise<{ hash: string; size: number }> => {
      const { onProgress, key: _, ...call } = options
      const manifest = await manifestOf(source)
      const { hash, size, chunks } = manifest
      const first = await upload(manifest, call)
      if (first.complete) return { hash, size }
      const missing = first.missing.map(one => ({ hash: one, from: chunks.indexOf(one) * fileLimits.chunkBytes }))
      let stored = size - missing.reduce((sum, { from }) => sum + Math.min(fileLimits.chunkBytes, size - from), 0)
      const work = async (): Promise<void> => {
        for (let one = missing.shift(); one; one = missing.shift()) {
          const bytes = await source.read(one.from, Math.min(fileLimits.chunkBytes, size - one.from))
          await send(service, { ...call, method: 'PUT', path: `/v1/files/chunks/${one.hash}`, bytes })
          stored += bytes.length
          onProgress?.(stored, size)
        }
      }
      await Promise.all(Array.from({ length: parallelMax }, work))
      const last = await upload(manifest, call)
      if (last.complete) return { hash, size }
      throw new ClientError('malformed', `${url} still misses ${last.missing.length} chunks of ${hash}`)
    },
    storedFile: async (hash: string, options: CallOptions = {}): Promise<StoredFile> =>
      shaped(
        await send(service, { ...options, method: 'GET', path: `/v1/files/${segment(hash)}` }),
        'file',
        fileShape,
        url,
      ),
    storedFiles: async (page: { limit?: number } = {}, options: CallOptions = {}): Promise<StoredFile[]> =>
      shapedList(
        await send(service, { ...options, method: 'GET', path: `/v1/files?limit=${page.limit ?? 100}` }),
        'file',
        fileShape,
        url,
      ),
    /** The bytes of a content. A connection that breaks is made again, from where it was. Whoever wants to be sure compares the hash. */
    fileContent: async function* (hash: string, options: CallOptions = {}): AsyncGenerator<Uint8Array> {
      const { size } = (await send(service, {
        ...options,
        method: 'GET',
        path: `/v1/files/${segment(hash)}`,
      })) as StoredFile
      let at = 0
      for (let breaks = 0; at < size; breaks += 1) {
        try {
          for await (const bytes of stream(hash, at, options)) {
            at += bytes.length
            yield bytes
          }
        } catch (error) {
          options.signal?.throwIfAborted()
          if (error instanceof ClientError) throw error
          if (breaks >= resumesMax) throw unreachable(service, error)
        }
      }
    },
    /** Forgets a content. */
    removeFile: async (hash: string, options: CallOptions = {}): Promise<{ removed: boolean }> =>
      shaped<{ removed: boolean }>(
        await send(service, { ...options, method: 'DELETE', path: `/v1/files/${segment(hash)}` }),
        'answer',
        { removed: 'boolean' },
        url,
      ),
  }
}

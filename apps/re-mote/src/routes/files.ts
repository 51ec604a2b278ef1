import { Readable } from 'node:stream'
import { FileHash, fileLimits, FileManifest, FileUpload, StoredFile } from '@re-ops/protocols'
import { HttpProblem, type App } from '@re-ops/service'
import { Type } from 'typebox'
import { findStoredFile, listFiles, removeFile, useChunks, useFiles } from '../store/files.ts'
import type { RouteDeps } from './deps.ts'

const Params = Type.Object({ hash: FileHash })
const listedMax = 1_000
const bytesOf = 'application/octet-stream'
/** A manifest of the longest file: 70 bytes for each chunk. */
const manifestBytesMax = 1024 * 1024

export const noSuchContent = (hash: string) =>
  new HttpProblem(404, 'no-such-content', 'No such content', `content ${hash} is not stored; POST /v1/files takes it`)

/** Contents of files by their hash: uploaded once, in chunks that may come in any order and again, then named by runs. */
export const addFiles = (app: App, { pool, files, link }: Pick<RouteDeps, 'pool' | 'files' | 'link'>): void => {
  app.addContentTypeParser(bytesOf, { parseAs: 'buffer', bodyLimit: fileLimits.chunkBytes }, (_, body, done) =>
    done(null, body),
  )

  app.post(
    '/v1/files',
    {
      config: { scope: 'runs:write' },
      bodyLimit: manifestBytesMax,
      schema: {
        summary: 'Say which content is to be stored; 202 with the chunks that are missing, 200 when it is whole',
        body: FileManifest,
        response: { 200: FileUpload, 202: FileUpload },
      },
    },
    async ({ body, caller }, reply) => {
      const upload = await files.upload(body, caller.subject)
      return reply.code(upload.complete ? 200 : 202).send(upload)
    },
  )
  app.put(
    '/v1/files/chunks/:hash',
    {
      config: { scope: 'runs:write', rateLimit: { max: 5_000, windowMs: 1_000 } },
      schema: {
        summary: `Store a chunk: ${fileLimits.chunkBytes} bytes (the last one of a file: its rest), ${bytesOf}; again is nothing new`,
        params: Params,
        response: { 204: Type.Null() },
      },
    },
    async ({ params, body }, reply) => {
      if (!Buffer.isBuffer(body))
        throw new HttpProblem(
          415,
          'unsupported-media-type',
          'Unsupported media type',
          `content-type must be ${bytesOf}`,
        )
      await files.putChunk(params.hash, body)
      return reply.code(204).send(null)
    },
  )
  app.route({
    method: 'HEAD',
    url: '/v1/files/chunks/:hash',
    config: { scope: 'runs:read' },
    schema: { summary: 'Whether a chunk is stored', params: Params },
    handler: async ({ params }, reply) =>
      reply.code((await useChunks(pool, [params.hash])).size > 0 ? 200 : 404).send(),
  })
  app.route({
    method: 'HEAD',
    url: '/v1/files/:hash',
    config: { scope: 'runs:read' },
    schema: { summary: 'Whether a content is stored as a whole', params: Params },
    handler: async ({ params }, reply) => {
      const [here] = await useFiles(pool, [params.hash])
      return reply.code(here === undefined ? 404 : 200).send()
    },
  })
  app.get(
    '/v1/files',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: 'Stored contents, newest first',
        querystring: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: listedMax })) }),
        response: { 200: Type.Array(StoredFile) },
      },
    },
    ({ query }) => listFiles(pool, query.limit ?? 100),
  )
  app.get(
    '/v1/files/:hash',
    {
      config: { scope: 'runs:read' },
      exposeHeadRoute: false,
      schema: { summary: 'What is stored of a content', params: Params, response: { 200: StoredFile } },
    },
    async ({ params }) => {
      const file = await findStoredFile(pool, params.hash)
      if (!file) throw noSuchContent(params.hash)
      return file
    },
  )
  app.get(
    '/v1/files/:hash/content',
    {
      config: { scope: 'runs:write' },
      exposeHeadRoute: false,
      schema: {
        summary: 'The bytes of a content, from a byte on',
        params: Params,
        querystring: Type.Object({ from: Type.Optional(Type.Integer({ minimum: 0 })) }),
      },
    },
    async ({ params, query }, reply) => {
      const file = await files.find(params.hash)
      if (!file) throw noSuchContent(params.hash)
      const { from = 0 } = query
      if (from > file.size)
        throw new HttpProblem(
          400,
          'invalid-query',
          'Invalid query',
          `/query/from must be at most ${file.size}, the size of the content`,
        )
      const bytes = files.bytes(file, from)
      return reply
        .header('content-type', bytesOf)
        .header('content-length', file.size - from)
        .send(Readable.from(bytes, { objectMode: false }))
    },
  )
  app.delete(
    '/v1/files/:hash',
    {
      config: { scope: 'runs:write' },
      schema: {
        summary: 'Forget a content; runs that name it are refused from then on',
        params: Params,
        response: { 200: Type.Object({ removed: Type.Boolean() }) },
      },
    },
    async ({ params, caller }) => {
      const removed = await removeFile(pool, params.hash)
      files.forget(params.hash)
      if (removed)
        link.audit({ action: 'file.removed', subject: caller.subject, host: null, detail: { hash: params.hash } })
      return { removed }
    },
  )
}

import { fileHashOf, fileLimits, type Host } from '@re-ops/protocols'
import type { Files } from './files.ts'
import { makeTemplates, templateLimits } from './templates.ts'

export type PrepareDeps = {
  readonly files: Pick<Files, 'whole' | 'upload' | 'putChunk'>
  findHost(id: string): Promise<Host | undefined>
}
/** What a call is sent as, when that is not what it was asked as. */
export type Prepared = { readonly operation: string; readonly input: unknown }
export type Prepare = {
  /** Cheap: on the way of every call. */
  needs(operation: string): boolean
  /** Throws with the reason. */
  prepare(operation: string, input: unknown, host: string): Promise<Prepared>
}

type Input = { readonly template: string; readonly values?: Record<string, unknown>; readonly path: string }

/** Templates are rendered here, for each host by itself; what comes out is a content like any other, stored once however many hosts get it. */
export const makePrepare = ({ files, findHost }: PrepareDeps): Prepare => {
  const templates = makeTemplates()
  const store = async (bytes: Buffer, subject: string): Promise<string> => {
    const chunks: string[] = []
    for (let at = 0; at < bytes.length; at += fileLimits.chunkBytes) {
      const chunk = bytes.subarray(at, at + fileLimits.chunkBytes)
      const hash = fileHashOf(chunk)
      await files.putChunk(hash, chunk)
      chunks.push(hash)
    }
    const hash = fileHashOf(bytes)
    await files.upload({ hash, size: bytes.length, chunks }, subject)
    return hash
  }
  return {
    needs: operation => operation === 'file.template',
    prepare: async (_, input, id) => {
      const { template, values = {}, ...place } = input as Input
      const [host, text] = await Promise.all([findHost(id), files.whole(template, templateLimits.templateBytesMax)])
      if (!host) throw new Error('the host is not known any more')
      const bytes = Buffer.from(templates.render(template, text.toString('utf8'), host, values))
      return {
        operation: 'file.push',
        input: { ...place, hash: await store(bytes, `template ${template}`), size: bytes.length },
      }
    },
  }
}

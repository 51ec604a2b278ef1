import { open, stat } from 'node:fs/promises'
import type { FileSource, Mote } from '@re-ops/client'
import type { Context } from '../context.ts'
import { usage } from '../fault.ts'
import { bytesText } from '../render/value.ts'

type Code = NodeJS.ErrnoException['code']
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read by this user',
  EISDIR: 'it is a folder',
}
export const whyNot = (error: unknown): string => {
  const { code, message } = error as { code?: Code; message: string }
  return (code !== undefined && reasons[code]) || message
}

/** A local file, for as long as `use` takes. */
export const withFile = async <A>(
  path: string,
  use: (source: FileSource & { readonly mode: number }) => Promise<A>,
): Promise<A> => {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw usage(`${path}: ${whyNot(error)}`)
  })
  try {
    const { size, mode } = await file.stat()
    if ((await stat(path)).isDirectory()) throw usage(`${path}: it is a folder; \`reops files sync\` takes folders`)
    const read = async (from: number, length: number): Promise<Uint8Array> => {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, from)
      return buffer.subarray(0, bytesRead)
    }
    return await use({ size, mode: mode & 0o7777, read })
  } finally {
    await file.close()
  }
}

/** Stores a local file at the service, and shows how far it is. */
export const storeLocal = async (
  { terminal }: Context,
  mote: Mote,
  path: string,
): Promise<{ readonly hash: string; readonly size: number; readonly mode: number }> =>
  withFile(path, async source => {
    const onProgress = (stored: number, size: number) =>
      terminal.progress(`storing ${path}: ${bytesText(stored)} of ${bytesText(size)}`)
    try {
      return { ...(await mote.storeFile(source, { onProgress })), mode: source.mode }
    } finally {
      terminal.progress('')
    }
  })

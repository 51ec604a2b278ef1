import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mote } from '@re-ops/client'
import type { Context } from '../context.ts'
import { usage } from '../fault.ts'
import { storeLocal, whyNot } from './local.ts'
import { treeText, type Entry } from './tree.ts'

const entriesMax = 100_000
const modeText = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0')

type Found = Exclude<Entry, { kind: 'file' }> | { readonly kind: 'file'; readonly path: string }

/** What is in a local folder: links as links, and neither sockets nor devices. */
const walk = async (folder: string, below: string, found: Found[]): Promise<Found[]> => {
  for (const name of (await readdir(join(folder, below))).toSorted()) {
    const path = below === '' ? name : `${below}/${name}`
    if (/\p{Cc}/u.test(name))
      throw usage(`${JSON.stringify(join(folder, path))}: a name with a control character is not taken along`)
    if (found.length >= entriesMax) throw usage(`${folder}: more than ${entriesMax} entries`)
    const stat = await lstat(join(folder, path))
    if (stat.isSymbolicLink()) found.push({ kind: 'link', path, target: await readlink(join(folder, path)) })
    else if (stat.isFile()) found.push({ kind: 'file', path })
    else if (stat.isDirectory()) {
      found.push({ kind: 'folder', path, mode: modeText(stat.mode) })
      await walk(folder, path, found)
    }
  }
  return found
}

/** Stores a local folder: its files, then the list of its entries, whose hash is the folder's. */
export const storeFolder = async (
  context: Context,
  mote: Mote,
  folder: string,
): Promise<{ readonly tree: string; readonly size: number }> => {
  const found = await walk(folder, '', []).catch((error: unknown) => {
    if ((error as { name?: string }).name === 'Fault') throw error
    throw usage(`${folder}: ${(error as NodeJS.ErrnoException).code === 'ENOTDIR' ? 'it is no folder' : whyNot(error)}`)
  })
  const entries: Entry[] = []
  for (const one of found) {
    if (one.kind !== 'file') entries.push(one)
    else {
      const { mode, ...stored } = await storeLocal(context, mote, join(folder, one.path))
      entries.push({ ...one, ...stored, mode: modeText(mode) })
    }
  }
  const text = Buffer.from(treeText(entries))
  const read = async (from: number, length: number) => text.subarray(from, from + length)
  const { hash: tree, size } = await mote.storeFile({ size: text.length, read })
  return { tree, size }
}

import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import type { Mote } from '@re-ops/client'
import type { HostResult } from '@re-ops/protocols'
import type { Context } from '../context.ts'
import { Fault } from '../fault.ts'
import { whyNot } from '../files/local.ts'
import { folderIn, linkIn, partsOf, writeIn } from '../files/safe.ts'
import { entriesOf } from '../files/tree.ts'
import { whereOf } from '../files/where.ts'
import { bodyOf, type RunLimits } from './files.ts'
import { runToEnd } from './run.ts'

export type PullOptions = RunLimits & { readonly on?: string; readonly become?: string }
type File = { readonly hash: string; readonly mode: string }
type Folder = { readonly tree: string }

/** Writes contents below a local folder; one that is there from another host is copied from there. */
const makeKeeper = (mote: Mote) => {
  const written = new Map<string, string>()
  return async (folder: string, name: string, { hash, mode }: File): Promise<void> => {
    const known = written.get(hash)
    const bytes = known === undefined ? mote.fileContent(hash) : createReadStream(known)
    written.set(hash, await writeIn(folder, name, { bytes, hash, mode: Number.parseInt(mode, 8) }))
  }
}
type Keeper = ReturnType<typeof makeKeeper>

const textOf = async (bytes: AsyncIterable<Uint8Array>): Promise<string> => {
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

const keepFolder = async (mote: Mote, keep: Keeper, at: string, { tree }: Folder): Promise<void> => {
  await folderIn(at, [])
  for (const entry of entriesOf(await textOf(mote.fileContent(tree)))) {
    const parts = partsOf(entry.path)
    if (!parts)
      throw new Fault(1, `the host names a path that leads elsewhere: ${JSON.stringify(entry.path.slice(0, 100))}`)
    const folder = await folderIn(at, parts.slice(0, -1))
    const name = parts.at(-1) as string
    if (entry.kind === 'folder') await folderIn(folder, [name])
    else if (entry.kind === 'file') await keep(folder, name, entry)
    else await linkIn(folder, name, entry.target)
  }
}

/** `reops files pull SELECTOR:/path LOCAL`: each host's into LOCAL/<host>/. A path with a slash at its end is a folder. */
export const pullFiles = async (context: Context, local: string, options: PullOptions): Promise<number> => {
  const { terminal } = context
  const { on, path } = whereOf(options.on, '--on')
  const isFolder = path.endsWith('/') && path !== '/'
  const { mote } = await context.client()
  const become = options.become === undefined ? {} : { become: { user: options.become } }
  const input = { path: isFolder ? path.replace(/\/+$/, '') : path, ...become }
  const create = () => mote.createRun(bodyOf(on, isFolder ? 'folder.pull' : 'file.pull', input, options))
  const { results, summary } = await runToEnd(context, mote, create, { ...options, asked: null })
  const keep = makeKeeper(mote)
  const name = basename(input.path)
  let failed = summary.failed
  const one = async ({ host, value }: HostResult<unknown> & { ok: true }): Promise<void> => {
    if (partsOf(host.name)?.length !== 1)
      throw new Fault(1, `${JSON.stringify(host.name)} cannot be the name of a folder`)
    const folder = await folderIn(local, [host.name])
    if (isFolder) await keepFolder(mote, keep, await folderIn(folder, [name]), value as Folder)
    else await keep(folder, name, value as File)
  }
  let done = 0
  for (const result of results) {
    if (!result.ok) continue
    terminal.progress(`writing ${(done += 1)} of ${summary.ok} into ${local}`)
    await one(result).catch((error: unknown) => {
      failed += 1
      terminal.error(`reops: ${result.host.name}: ${whyNot(error)}`)
    })
  }
  terminal.progress('')
  return failed > 0 ? 1 : 0
}

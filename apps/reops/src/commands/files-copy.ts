import { basename } from 'node:path'
import type { StoredFile } from '@re-ops/protocols'
import type { Context } from '../context.ts'
import { Fault } from '../fault.ts'
import { pathIn, whereOf } from '../files/where.ts'
import { bodyOf, placing, type PlaceOptions } from './files.ts'
import { runToEnd } from './run.ts'

type Taken = { readonly hash: string; readonly mode: string } | { readonly tree: string }

/**
 * `reops files copy HOST:/path --to SELECTOR:/path`: from one host into the service, then from there to all others; what the service has, or
 * they have, is not sent. A path with a slash at its end is a folder.
 */
export const copyFiles = async (
  context: Context,
  from: string,
  { to, ...options }: PlaceOptions & { readonly to?: string; readonly delete?: boolean },
): Promise<number> => {
  const source = whereOf(from, 'from')
  const target = whereOf(to, '--to')
  const place = placing(options)
  const isFolder = source.path.endsWith('/') && source.path !== '/'
  const { mote } = await context.client()
  const path = isFolder ? source.path.replace(/\/+$/, '') : source.path
  const become = options.become === undefined ? {} : { become: { user: options.become } }
  const pull = () =>
    mote.createRun(bodyOf(source.on, isFolder ? 'folder.pull' : 'file.pull', { path, ...become }, options))
  const quiet: Context = { ...context, terminal: { ...context.terminal, out: () => undefined } }
  const pulled = await runToEnd(quiet, mote, pull, { json: true, asked: null })
  const [first, second] = pulled.results
  if (!first || second) throw new Fault(2, `${source.on} is ${pulled.results.length} hosts; a copy comes from one`)
  if (!first.ok) throw new Fault(1, `${first.host.name}: ${first.failure.message}`)
  const taken = first.value as Taken
  const { size }: StoredFile = await mote.storedFile('tree' in taken ? taken.tree : taken.hash)
  const input =
    'tree' in taken
      ? {
          path: target.path.replace(/(?<=.)\/+$/, ''),
          tree: taken.tree,
          size,
          ...(options.delete === true ? { delete: true } : {}),
        }
      : { path: pathIn(target.path, basename(path)), hash: taken.hash, size, mode: taken.mode }
  const push = () =>
    mote.createRun(bodyOf(target.on, 'tree' in taken ? 'folder.sync' : 'file.push', { ...input, ...place }, options))
  const { summary } = await runToEnd(context, mote, push, { ...options, asked: null })
  return summary.failed > 0 ? 1 : 0
}

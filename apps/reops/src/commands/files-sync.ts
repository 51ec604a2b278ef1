import type { Context } from '../context.ts'
import { storeFolder } from '../files/folder.ts'
import { whereOf } from '../files/where.ts'
import { bodyOf, placing, type PlaceOptions } from './files.ts'
import { runToEnd } from './run.ts'

/** `reops files sync FOLDER --on SELECTOR:/path`: the folder there holds what this one does. */
export const syncFolder = async (
  context: Context,
  folder: string,
  options: PlaceOptions & { readonly delete?: boolean },
): Promise<number> => {
  const { on, path } = whereOf(options.on, '--on')
  const place = { ...placing(options), ...(options.delete === true ? { delete: true } : {}) }
  const { mote } = await context.client()
  const stored = await storeFolder(context, mote, folder)
  const input = { path: path.replace(/(?<=.)\/+$/, ''), ...stored, ...place }
  const create = () => mote.createRun(bodyOf(on, 'folder.sync', input, options))
  const { summary } = await runToEnd(context, mote, create, { ...options, asked: null })
  return summary.failed > 0 ? 1 : 0
}

import { basename } from 'node:path'
import type { Context } from '../context.ts'
import { usage } from '../fault.ts'
import { storeLocal } from '../files/local.ts'
import { pathIn, whereOf } from '../files/where.ts'
import { bodyOf, placing, type PlaceOptions } from './files.ts'
import { runToEnd } from './run.ts'

/** `key=value` a text, `key:=json` anything else. */
export const valuesOf = (given: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    given.map((pair): [string, unknown] => {
      const [, key = '', kind, text = ''] = /^([A-Za-z_][A-Za-z0-9_]*)(:?=)(.*)$/s.exec(pair) ?? []
      if (kind === undefined) throw usage(`--set: \`${pair}\` is not key=value (a text) or key:=json`)
      if (kind === '=') return [key, text]
      try {
        return [key, JSON.parse(text) as unknown]
      } catch {
        throw usage(`--set: \`${text}\`, the value of ${key}, is not JSON`)
      }
    }),
  )

/** `reops files template FILE --on SELECTOR:/path --set k=v`: rendered by the service, for each host by itself. */
export const pushTemplate = async (
  context: Context,
  local: string,
  { set = [], ...options }: PlaceOptions & { readonly set?: readonly string[] },
): Promise<number> => {
  const { on, path } = whereOf(options.on, '--on')
  const [place, values] = [placing(options), valuesOf(set)]
  const { mote } = await context.client()
  const { hash: template } = await storeLocal(context, mote, local)
  const input = { path: pathIn(path, basename(local).replace(/\.liquid$/, '')), template, values, ...place }
  const create = () => mote.createRun(bodyOf(on, 'file.template', input, options))
  const { summary } = await runToEnd(context, mote, create, { ...options, asked: null })
  return summary.failed > 0 ? 1 : 0
}

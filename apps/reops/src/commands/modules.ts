import type { Mote } from '@re-ops/client'
import type { Module } from '@re-ops/protocols'
import { wholeNumber } from '../arguments/labels.ts'
import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { table } from '../render/table.ts'
import { ago, count } from '../render/units.ts'

const shownChars = 12
const searchedMax = 500

export const listModules = async (context: Context, options: { json?: boolean; limit?: string }): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const limit = options.limit === undefined ? 20 : wholeNumber(options.limit, '--limit', 1, searchedMax)
  const modules = await mote.modules({ limit })
  if (options.json === true) {
    printJson(terminal, modules)
    return 0
  }
  if (modules.length === 0) {
    terminal.error('no modules yet; `reops run ./ops.ts --on ...` pushes one')
    return 0
  }
  const { paint, columns } = terminal
  terminal.out(
    table(
      ['MODULE', 'OPERATIONS', 'BYTES', 'BY', 'PUSHED', 'REVOKED'],
      modules.map(one => [
        one.hash.slice(0, shownChars),
        one.operations.map(({ name }) => name).join(' '),
        String(one.codeBytes),
        one.pushedBy,
        ago(one.pushedAt, context.now()),
        one.revokedAt === null ? '' : `${ago(one.revokedAt, context.now())} by ${one.revokedBy}`,
      ]),
      { paint, width: columns, colour: at => (modules[at]?.revokedAt === null ? text => text : paint.bad) },
    ),
  )
  terminal.out(`${count(modules.length, 'module')}\n`)
  return 0
}

/** A hash, or the one module that begins so. */
const find = async (mote: Mote, word: string): Promise<Module> => {
  if (!/^[0-9a-f]{8,64}$/.test(word))
    throw usage(`\`${word}\` is not the hash of a module, nor eight characters of one`)
  const modules = (await mote.modules({ limit: searchedMax })).filter(one => one.hash.startsWith(word))
  const [only, another] = modules
  if (another) throw usage(`several modules begin with ${word}; give more of the hash`)
  if (only) return only
  if (word.length === 64) return mote.module(word)
  throw usage(`no module begins with ${word}; \`reops modules list\` shows what there is`)
}

export const revokeModule = async (
  context: Context,
  word: string,
  options: { json?: boolean; yes?: boolean },
): Promise<number> => {
  const { mote } = await context.client()
  const { hash, operations } = await find(mote, word)
  const names = [`${hash.slice(0, shownChars)} (${operations.map(one => one.name).join(', ')})`]
  await confirm(context, { verb: 'revoke', noun: 'module', names, yes: options.yes === true })
  const module = await mote.revokeModule(hash)
  if (options.json === true) printJson(context.terminal, module)
  else context.terminal.out(`${hash}  revoked\n`)
  return 0
}

import type { Word, WordChange, WordKind, Words } from '@re-ops/protocols'
import { stringify } from 'yaml'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { InventoryError } from '../inventory/entry.ts'
import { yamlContent } from '../inventory/yaml.ts'
import { wordKinds } from '../program/kit.ts'
import { table } from '../render/table.ts'
import { secretText } from './ssh-hosts.ts'

type Options = { readonly json?: boolean }

/** `on.ec2=t3.small options.diskGb=20`, without the line for people. */
const leaves = (body: object, prefix = ''): [string, string][] =>
  Object.entries(body).flatMap(([key, value]): [string, string][] => {
    if (prefix === '' && key === 'doc') return []
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return leaves(value as object, `${prefix}${key}.`)
    return [[`${prefix}${key}`, Array.isArray(value) ? value.map(String).join(',') : String(value)]]
  })
/** `ec2=t3.small options.diskGb=20`. */
const oneLine = (body: object): string =>
  leaves(body)
    .map(([path, value]) => `${path.replace(/^on\./, '')}=${value}`)
    .join(' ')

const show = ({ terminal }: Context, words: readonly Word[], { json }: Options): number => {
  if (json === true) {
    printJson(terminal, words)
    return 0
  }
  // Where there is no room for both, what a word means goes before the line that describes it.
  const isWide = terminal.columns === null || terminal.columns >= bothColumns
  terminal.out(
    table(
      ['KIND', 'WORD', 'FROM', 'SAYS', 'WHAT'],
      words.map(({ kind, name, body, shipped }) => [
        kind,
        name,
        shipped ? 're-core' : 'saved',
        oneLine(body),
        isWide ? (body.doc ?? '') : '',
      ]),
      { paint: terminal.paint, width: terminal.columns },
    ),
  )
  return 0
}
const bothColumns = 140

export const listWords = async (context: Context, options: Options & { readonly kind?: string }): Promise<number> => {
  const words = await (await context.client()).core.words()
  return show(
    context,
    words.filter(word => options.kind === undefined || word.kind === options.kind),
    options,
  )
}

const fileOf = (file: string): Words => {
  try {
    return yamlContent(secretText(file, 'words'), file) ?? {}
  } catch (error) {
    if (error instanceof InventoryError) throw usage(error.message)
    throw error
  }
}

const marks = { added: '+', changed: '~', removed: '-', same: ' ' } as const
/** `~ sizes/small  on.ec2: t3.small -> t3a.small`. */
const changeText = ({ kind, name, change, before, after }: WordChange): string => {
  const [was, is] = [before, after].map(body => new Map(leaves(body ?? {})))
  const paths = [...new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])])]
  const differing = paths.filter(path => was?.get(path) !== is?.get(path))
  const said = differing.map(path =>
    change === 'changed'
      ? `${path}: ${was?.get(path) ?? '-'} -> ${is?.get(path) ?? '-'}`
      : `${path}: ${is?.get(path) ?? was?.get(path) ?? ''}`,
  )
  return `${marks[change]} ${kind}/${name}  ${said.join('  ')}`.trimEnd()
}

export const applyFile = async (
  context: Context,
  file: string,
  options: Options & { readonly dryRun?: boolean; readonly prune?: boolean },
): Promise<number> => {
  const { terminal } = context
  const words = fileOf(file)
  const { core } = await context.client()
  const changes = await core.applyWords(words, { dryRun: options.dryRun === true, prune: options.prune === true })
  if (options.json === true) {
    printJson(terminal, changes)
    return 0
  }
  const real = changes.filter(one => one.change !== 'same')
  for (const one of real) terminal.out(`${changeText(one)}\n`)
  const same = changes.length - real.length
  terminal.out(`${options.dryRun === true ? 'would change' : 'changed'} ${real.length}, as they were ${same}\n`)
  return 0
}

export const exportWords = async (context: Context, options: Options): Promise<number> => {
  const saved = (await (await context.client()).core.words()).filter(word => !word.shipped)
  const words = Object.fromEntries(
    wordKinds.flatMap(kind => {
      const own = saved.filter(word => word.kind === kind).map(word => [word.name, word.body])
      return own.length > 0 ? [[kind, Object.fromEntries(own) as object]] : []
    }),
  )
  if (options.json === true) printJson(context.terminal, words)
  else context.terminal.out(stringify(words))
  return 0
}

export const removeWord = async (
  context: Context,
  [kind = '', name = '']: readonly string[],
  options: Options,
): Promise<number> => {
  if (!(wordKinds as readonly string[]).includes(kind)) throw usage(`kind is ${kind}; allowed: ${wordKinds.join(', ')}`)
  const { core } = await context.client()
  return show(context, [await core.removeWord(kind as WordKind, name)], options)
}

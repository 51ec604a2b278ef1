import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { table } from '../render/table.ts'
import { ago } from '../render/units.ts'

type Options = { readonly json?: boolean }

export const listSelectors = async (context: Context, options: Options): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const saved = await mote.selectors()
  if (options.json === true) printJson(terminal, saved)
  else if (saved.length === 0) terminal.error("no selectors yet; `reops selectors save NAME 'role=web'` saves one")
  else
    terminal.out(
      table(
        ['NAME', 'SELECTOR', 'WHAT FOR', 'SAVED BY', 'WHEN'],
        saved.map(one => [`@${one.name}`, one.on, one.doc ?? '', one.savedBy, ago(one.savedAt, context.now())]),
        { paint: terminal.paint, width: terminal.columns },
      ),
    )
  return 0
}

/** A name as it is used (`@web`) or as it is called (`web`). */
const nameOf = (word: string) => {
  const name = word.replace(/^@/, '')
  if (!/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/.test(name))
    throw usage(
      `\`${word}\` is not a name; allowed are a letter, then letters, digits, dot, dash and underscore, at most 63`,
    )
  return name
}

export const saveSelector = async (
  context: Context,
  [word, on]: readonly [string, string],
  options: Options & { readonly doc?: string },
): Promise<number> => {
  const name = nameOf(word)
  const { mote } = await context.client()
  const saved = await mote.saveSelector(name, { on, ...(options.doc === undefined ? {} : { doc: options.doc }) })
  if (options.json === true) printJson(context.terminal, saved)
  else context.terminal.out(`@${saved.name}  ${saved.on}\n`)
  return 0
}

export const removeSelector = async (context: Context, word: string, options: Options): Promise<number> => {
  const name = nameOf(word)
  const { mote } = await context.client()
  await mote.removeSelector(name)
  if (options.json === true) printJson(context.terminal, { name, removed: true })
  else context.terminal.out(`@${name}  removed\n`)
  return 0
}

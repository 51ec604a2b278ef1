import { usage } from '../fault.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
export const isId = (word: string): boolean => uuid.test(word)

/** The one id that begins or ends so; `last`: the first, for they come newest first. Exit code 2 for none or several. */
export const idAmong = (
  ids: readonly string[],
  word: string,
  { noun, list }: { readonly noun: string; readonly list: string },
): string => {
  const found = word === 'last' ? ids.slice(0, 1) : ids.filter(id => id.startsWith(word) || id.endsWith(word))
  const [only, another] = found
  if (only === undefined)
    throw usage(
      `no ${noun} \`${word}\`${word === 'last' ? ' yet' : ` among the latest ${ids.length}`}; \`${list}\` lists them`,
    )
  if (another !== undefined) throw usage(`\`${word}\` is the id of ${found.length} ${noun}s; give more of it`)
  return only
}

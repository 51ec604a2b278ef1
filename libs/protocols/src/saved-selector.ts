import { Type, type Static } from 'typebox'
import { parseSelector, savedNamePattern, SelectorError, type Selector } from './selector.ts'

export const SavedName = Type.String({
  pattern: savedNamePattern,
  description: 'a letter, then letters, digits, dot, dash and underscore; at most 63 characters',
  examples: ['canaries'],
})
/** Body of `PUT /v1/selectors/:name`. */
export const SaveSelector = Type.Object(
  {
    on: Type.String({ minLength: 1, maxLength: 4096, description: 'selector', examples: ['role=web and @test'] }),
    doc: Type.Optional(Type.String({ maxLength: 256, description: 'one line: what it is for' })),
  },
  { additionalProperties: false },
)
export type SaveSelector = Static<typeof SaveSelector>
/** A selector under a name, for `@name` in others. */
export const SavedSelector = Type.Object({
  name: SavedName,
  on: Type.String(),
  doc: Type.Union([Type.String(), Type.Null()]),
  savedBy: Type.String(),
  savedAt: Type.String({ format: 'date-time' }),
})
export type SavedSelector = Static<typeof SavedSelector>

/** How deep saved selectors may refer to one another, and how big a selector may get with all of them written out. */
export const savedLimits = { depthMax: 16, nodesMax: 10_000, savedMax: 1_000 } as const

/** The saved selectors that a selector names itself, in the order of the text. */
export const savedNames = (selector: Selector): string[] => {
  switch (selector.kind) {
    case 'saved':
      return [selector.name]
    case 'not':
      return savedNames(selector.of)
    case 'and':
    case 'or':
      return selector.of.flatMap(savedNames)
    default:
      return []
  }
}

/** The selector under an error of a selector that was saved: the place of its `@name`, and the place in what was saved. */
const inside = (text: string, at: number, name: string, inner: SelectorError) =>
  new SelectorError(text, at, '', `in \`@${name}\`, character ${inner.at + 1}: ${inner.why}`)

/**
 * Text -> selector in which every `@name` is replaced by what `saved` has under it. `above` are the names around, when the text itself is
 * saved. Throws SelectorError at the `@` for a name that nobody saved, for one that leads back to itself (the way is named), and beyond `savedLimits`.
 */
export const parseWithSaved = (
  text: string,
  saved: ReadonlyMap<string, string>,
  above: readonly string[] = [],
): Selector => {
  let nodes = 0
  const write = (selector: Selector, of: string, names: readonly string[]): Selector => {
    nodes += 1
    switch (selector.kind) {
      case 'saved':
        return open(selector, of, names)
      case 'not':
        return { kind: 'not', of: write(selector.of, of, names) }
      case 'and':
      case 'or':
        return { kind: selector.kind, of: selector.of.map(one => write(one, of, names)) }
      default:
        return selector
    }
  }
  const open = ({ name, at }: Selector & { kind: 'saved' }, of: string, names: readonly string[]): Selector => {
    const path = [...names, name]
    if (names.includes(name)) {
      const way = path.map(one => `@${one}`).join(' -> ')
      throw new SelectorError(of, at, '', `\`@${name}\` leads back to itself: ${way}`)
    }
    if (path.length > savedLimits.depthMax)
      throw new SelectorError(of, at, '', `more than ${savedLimits.depthMax} saved selectors within one another`)
    if (nodes > savedLimits.nodesMax)
      throw new SelectorError(
        of,
        at,
        '',
        `more than ${savedLimits.nodesMax} parts with all saved selectors written out`,
      )
    const inner = saved.get(name)
    if (inner === undefined) throw new SelectorError(of, at, '', `no selector is saved as \`${name}\``)
    try {
      return write(parseSelector(inner), inner, path)
    } catch (error) {
      throw error instanceof SelectorError ? inside(of, at, name, error) : error
    }
  }
  return write(parseSelector(text), text, above)
}

import { parseRanges, patternMatches } from './pattern.ts'

/**
 * Selectors: data that picks hosts. Grammar (precedence: not, and, or):
 *
 *     selector = and { "or" and } ;  and = unary { "and" unary } ;  unary = "not" unary | "(" selector ")" | term
 *     term = "*" | "@" saved | key ( "=" | "!=" ) value | key "in" "(" value { "," value } ")" | name
 *     key  = label | "fact:" path          name, value = word with * and ? and [1-90] | 'quoted'
 *
 * A fact's path goes through lists: `fact:addresses=10.0.0.7` is one of the addresses, `!=` none of them.
 */
export type Selector =
  | { readonly kind: 'all' }
  | { readonly kind: 'name'; readonly pattern: string }
  | {
      readonly kind: 'label' | 'fact'
      readonly key: string
      readonly values: readonly string[]
      readonly negated: boolean
    }
  | {
      readonly kind: 'saved'
      readonly name: string
      /** Where its `@` stands in the text. */
      readonly at: number
    }
  | { readonly kind: 'not'; readonly of: Selector }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Selector[] }

/** A selector that cannot be read: `at` is the offset of the character (0 = first) where reading stopped. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError'
  readonly at: number
  readonly text: string
  /** What is wrong there, without the place. */
  readonly why: string
  constructor(text: string, at: number, expected: string, why = `found ${foundAt(text, at)}, expected ${expected}`) {
    super(`selector, character ${at + 1}: ${why}`)
    this.at = at
    this.text = text
    this.why = why
  }
}

const foundAt = (text: string, at: number) =>
  at >= text.length ? 'the end' : `\`${text[at] === '\0' ? '\\u0000' : text[at]}\``

type Token = { kind: 'word' | 'quoted' | '(' | ')' | ',' | '=' | '!='; text: string; at: number }

const tokens = (text: string): Token[] => {
  const found: Token[] = []
  let at = 0
  if (text.includes('\0')) throw new SelectorError(text, text.indexOf('\0'), 'text without NUL characters')
  while (at < text.length) {
    const rest = text.slice(at)
    const space = /^\s+/.exec(rest)
    if (space) {
      at += space[0].length
      continue
    }
    const symbol = /^(!=|=|\(|\)|,)/.exec(rest)
    const quoted = /^'([^']*)'|^"([^"]*)"/.exec(rest)
    const word = /^(?:[A-Za-z0-9_.:/@*?-]|\[[0-9,-]+\])+/.exec(rest)
    if (symbol) found.push({ kind: symbol[0] as Token['kind'], text: symbol[0], at })
    else if (quoted) found.push({ kind: 'quoted', text: quoted[1] ?? quoted[2] ?? '', at })
    else if (word) found.push({ kind: 'word', text: word[0], at })
    else if (rest[0] === "'" || rest[0] === '"') throw new SelectorError(text, text.length, `a closing ${rest[0]}`)
    else throw new SelectorError(text, at, 'a name, `*`, key=value, `not`, `(` or `@saved`')
    at += (symbol ?? quoted ?? word)?.[0].length ?? 1
  }
  return found
}

const depthMax = 64
export const savedNamePattern = '^[A-Za-z][A-Za-z0-9_.-]{0,62}$'
const savedName = new RegExp(savedNamePattern)

/** Text -> selector. Throws SelectorError, which points at the character. */
export const parseSelector = (text: string): Selector => {
  const list = tokens(text)
  let next = 0
  const peek = () => list[next]
  const isWord = (token: Token | undefined, word: string) => token?.kind === 'word' && token.text === word
  const fail = (expected: string): never => {
    throw new SelectorError(text, peek()?.at ?? text.length, expected)
  }
  const take = (kind: Token['kind'], expected: string): Token => {
    const token = peek()
    if (token?.kind !== kind) return fail(expected)
    next += 1
    return token
  }
  const value = (): string => {
    const token = peek()
    if (token?.kind !== 'word' && token?.kind !== 'quoted') return fail('a value')
    next += 1
    if (token.kind === 'word') expandNodeset(token.text, text, token.at)
    return token.text
  }
  const keyed = (key: string, values: readonly string[], negated: boolean): Selector =>
    key.startsWith('fact:')
      ? { kind: 'fact', key: key.slice('fact:'.length), values, negated }
      : { kind: 'label', key, values, negated }
  const term = (): Selector => {
    const token = peek()
    if (token?.kind === 'quoted') {
      next += 1
      return { kind: 'name', pattern: token.text }
    }
    if (token?.kind !== 'word' || ['and', 'or', 'in'].includes(token.text))
      return fail('a name, `*`, key=value, `not`, `(` or `@saved`')
    next += 1
    const after = peek()
    const keyAllowed = () => {
      if (!/^(fact:)?[A-Za-z][A-Za-z0-9_./-]*$/.test(token.text))
        throw new SelectorError(text, token.at, 'a label key or fact:path before the comparison')
      const places = token.text.split('.').filter(part => part === 'length' || isPlace(part))
      if (places.length > placesMax)
        throw new SelectorError(text, token.at, `at most ${placesMax} places of lists in the path of a fact`)
    }
    if (after?.kind === '=' || after?.kind === '!=') {
      keyAllowed()
      next += 1
      return keyed(token.text, [value()], after.kind === '!=')
    }
    if (isWord(after, 'in')) {
      keyAllowed()
      next += 1
      take('(', '`(` after `in`')
      const values = [value()]
      while (peek()?.kind === ',') {
        next += 1
        values.push(value())
      }
      take(')', '`,` or `)`')
      return keyed(token.text, values, false)
    }
    if (token.text === '*') return { kind: 'all' }
    if (token.text.startsWith('@')) {
      if (!savedName.test(token.text.slice(1))) throw new SelectorError(text, token.at, '`@` and a saved name')
      return { kind: 'saved', name: token.text.slice(1), at: token.at }
    }
    expandNodeset(token.text, text, token.at) // a bad range is told here, where it stands
    return { kind: 'name', pattern: token.text }
  }
  const unary = (depth: number): Selector => {
    if (depth > depthMax) return fail(`at most ${depthMax} levels of \`not\` and parentheses`)
    const token = peek()
    if (isWord(token, 'not')) {
      next += 1
      return { kind: 'not', of: unary(depth + 1) }
    }
    if (token?.kind === '(') {
      next += 1
      const inner = any(depth + 1)
      take(')', '`and`, `or` or `)`')
      return inner
    }
    return term()
  }
  const joined = (word: 'and' | 'or', operand: (depth: number) => Selector, depth: number): Selector => {
    const of = [operand(depth)]
    while (isWord(peek(), word)) {
      next += 1
      of.push(operand(depth))
    }
    return of.length === 1 ? (of[0] as Selector) : { kind: word, of }
  }
  const all = (depth: number): Selector => joined('and', unary, depth)
  const any = (depth: number): Selector => joined('or', all, depth)
  const selector = any(0)
  if (next < list.length) fail('`and`, `or` or the end')
  return selector
}

const nodesetMax = 10_000

/** `web[1-3,7]` -> web1, web2, web3, web7, keeping leading zeros; a word without a range is itself. */
export const expandNodeset = (word: string, text: string = word, at = 0): string[] => {
  const open = word.indexOf('[')
  if (open < 0) return [word]
  const close = word.indexOf(']', open)
  if (close < 0) throw new SelectorError(text, at + word.length, 'a closing ]')
  const ranges = parseRanges(word.slice(open + 1, close))
  if ('error' in ranges) throw new SelectorError(text, at + open + 1, ranges.error)
  const tails = expandNodeset(word.slice(close + 1), text, at + close + 1)
  // Counted before anything is made: a few characters can ask for more names than fit in memory.
  const numbers = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  if (numbers * tails.length > nodesetMax)
    throw new SelectorError(text, at + open + 1, `at most ${nodesetMax} names in a range`)
  return ranges.flatMap(({ first, last, width }) =>
    Array.from({ length: last - first + 1 }, (_, n) => String(first + n).padStart(width, '0')).flatMap(number =>
      tails.map(tail => `${word.slice(0, open)}${number}${tail}`),
    ),
  )
}

/** A glob (`*`, `?`) as the text of an anchored regular expression, for Postgres, whose matching takes linear time. */
export const globToRegExp = (glob: string): string =>
  `^${glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')}$`

export type SelectableHost = {
  readonly id: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly facts: Readonly<Record<string, unknown>>
}

const labelOf = (host: SelectableHost, key: string) => (Object.hasOwn(host.labels, key) ? host.labels[key] : undefined)

/**
 * What a dotted path leads to. Lists are looked into, one level at a step: `disks.mount` is the mount of every disk. A whole number is a place
 * in a list (`disks.0`), or a key; `length` is the length of a list, or a key. One value is a list of one. Postgres' JSON paths agree.
 */
const factsAt = (facts: unknown, path: string): unknown[] => path.split('.').reduce<unknown[]>(step, [facts])

const step = (found: readonly unknown[], part: string): unknown[] =>
  found.flatMap(value => [...placed(value, part), ...looked(value).flatMap(one => own(one, part))])
const placed = (value: unknown, part: string): unknown[] => {
  if (part === 'length') return [looked(value).length]
  return isPlace(part) ? looked(value).slice(Number(part), Number(part) + 1) : []
}
/** Whether a part of a fact's path may be a place in a list. */
export const isPlace = (part: string): boolean => /^(0|[1-9]\d{0,8})$/.test(part)
const placesMax = 4

const looked = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : [value])
const own = (value: unknown, key: string): unknown[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? [(value as Record<string, unknown>)[key]]
    : []

/** `fact:os=debian` is how people say it: of a fact with an id, the id is meant too. */
const factMatches = (facts: unknown, path: string, values: readonly string[]): boolean => {
  const found = factsAt(facts, path).flatMap(value => [...looked(value), ...step([value], 'id').flatMap(looked)])
  return found.some(one => values.some(value => scalarMatches(one, value)))
}
const scalarMatches = (found: unknown, value: string): boolean => {
  if (typeof found === 'number') return numberOf(value) === found || patternMatches(value, String(found))
  return (typeof found === 'string' || typeof found === 'boolean') && patternMatches(value, String(found))
}
/** The number a value says (`4`, `1.50`, `1e3`), or null: those are compared as numbers with facts that are numbers. */
export const numberOf = (value: string): number | null =>
  /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(value) && Number.isFinite(Number(value)) ? Number(value) : null

/** Whether the selector picks the host. `saved` gives the selector of a saved name, already parsed. */
export const selects = (
  selector: Selector,
  host: SelectableHost,
  saved: (name: string) => Selector = name => {
    throw new Error(`no saved selector ${name}`)
  },
): boolean => {
  switch (selector.kind) {
    case 'all':
      return true
    case 'name':
      return host.id === selector.pattern || patternMatches(selector.pattern, host.name)
    case 'label': {
      const found = labelOf(host, selector.key)
      const equal = found !== undefined && selector.values.some(value => patternMatches(value, found))
      return equal !== selector.negated
    }
    case 'fact':
      return factMatches(host.facts, selector.key, selector.values) !== selector.negated
    case 'saved':
      return selects(saved(selector.name), host, saved)
    case 'not':
      return !selects(selector.of, host, saved)
    case 'and':
      return selector.of.every(one => selects(one, host, saved))
    case 'or':
      return selector.of.some(one => selects(one, host, saved))
  }
}

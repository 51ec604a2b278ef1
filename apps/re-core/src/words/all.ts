import { wordKinds, type NamedChoice, type Template, type Word, type WordKind, type Words } from '@re-ops/protocols'
import { shippedWords } from './shipped.ts'

export type WordBody = NamedChoice | Template
export type AllWords = Required<Words>

const isChoice = (body: WordBody): body is NamedChoice => 'on' in body

/** A stored word over the shipped one of its name: meanings that it does not give stay. */
export const over = (shipped: WordBody | undefined, stored: WordBody): WordBody =>
  shipped !== undefined && isChoice(shipped) && isChoice(stored)
    ? { ...shipped, ...stored, on: { ...shipped.on, ...stored.on } }
    : stored

export const bodyOf = (words: Words, kind: WordKind, name: string): WordBody | undefined => {
  const all = words[kind]
  return all !== undefined && Object.hasOwn(all, name) ? all[name] : undefined
}

/** The shipped words with those that are stored over them. */
export const withShipped = (stored: Words): AllWords => {
  const merged = (kind: WordKind) =>
    Object.fromEntries(
      Object.entries<WordBody>(stored[kind] ?? {}).map(([name, body]) => [
        name,
        over(bodyOf(shippedWords, kind, name), body),
      ]),
    )
  const all = wordKinds.map(kind => [kind, { ...shippedWords[kind], ...merged(kind) }])
  return Object.fromEntries(all) as AllWords
}

/** As a list, in the order of their kinds and names. */
export const listed = (words: Words, stored: Words): Word[] =>
  wordKinds.flatMap(kind =>
    Object.entries<WordBody>(words[kind] ?? {})
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, body]) => ({ kind, name, shipped: bodyOf(stored, kind, name) === undefined, body })),
  )

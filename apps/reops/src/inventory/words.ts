import { InventoryError } from './entry.ts'

/** A line as a shell would split it: words, 'quoted', "quoted \" too", and a comment behind ` #`. */
export const words = (line: string, where: string): string[] => {
  const found: string[] = []
  let word: string | null = null
  let at = 0
  while (at < line.length) {
    const character = line[at] as string
    if (/\s/.test(character)) {
      if (word !== null) found.push(word)
      word = null
      at += 1
    } else if (character === '#' && word === null) break
    else if (character === "'" || character === '"') {
      const [text, end] = quotedAt(line, at, where)
      word = (word ?? '') + text
      at = end
    } else if (character === '\\' && at + 1 < line.length) {
      word = (word ?? '') + (line[at + 1] as string)
      at += 2
    } else {
      word = (word ?? '') + character
      at += 1
    }
  }
  return word === null ? found : [...found, word]
}

/** The text of the quote that opens at `at`, and where the line goes on. */
const quotedAt = (line: string, at: number, where: string): [text: string, end: number] => {
  const quote = line[at] as string
  let text = ''
  for (let here = at + 1; here < line.length; here += 1) {
    const character = line[here] as string
    if (character === quote) return [text, here + 1]
    const escaped = quote === '"' && character === '\\' && /["\\]/.test(line[here + 1] ?? '')
    text += escaped ? (line[here + 1] as string) : character
    if (escaped) here += 1
  }
  throw new InventoryError(`${where}: a closing ${quote} is missing`)
}

/** `key=value`, `key = value`; the value as it stands. */
export const assigned = (text: string, where: string): [key: string, value: string] => {
  const match = /^([^\s=]+)\s*=(.*)$/s.exec(text)
  if (!match) throw new InventoryError(`${where}: \`${text.slice(0, 64)}\` is not key=value`)
  return [match[1] as string, match[2] as string]
}

/** Ansible reads values as Python literals, of which only quotes (and a comment behind them) matter here: all else is the text that stands there. */
export const literal = (value: string): string => {
  const match = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")(?:\s*#.*)?$/s.exec(value)
  return match ? (match[1] ?? match[2] ?? '').replace(/\\(["'\\])/g, '$1') : value
}

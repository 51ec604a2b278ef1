/** Colours by meaning; plain text when they are off. */
export type Paint = Readonly<Record<'good' | 'bad' | 'dim' | 'bold', (text: string) => string>>

export const makePaint = (enabled: boolean): Paint => {
  const code = (on: number, off: number) => (text: string) =>
    enabled && text !== '' ? `\u001B[${on}m${text}\u001B[${off}m` : text
  return { good: code(32, 39), bad: code(31, 39), dim: code(2, 22), bold: code(1, 22) }
}

/** C0 (but tab and line feed), delete and C1: what a terminal would obey. */
const isControl = (character: string): boolean => {
  const code = character.charCodeAt(0)
  return (code < 32 && code !== 9 && code !== 10) || (code > 126 && code < 160)
}
const written = (character: string) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`

/** Text of a host made harmless: control characters other than line feed and tab are written out, as `\\x1b`. */
export const harmless = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(/[^ -~\n\t]/g, found => (isControl(found) ? written(found) : found))

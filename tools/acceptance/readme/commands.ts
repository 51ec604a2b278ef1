/** One command of the README, as it is typed. */
export type Typed = {
  readonly text: string
  /** The line of the README it begins at. */
  readonly line: number
  /** As its comment says, `exits N`; 0 without one. */
  readonly exits: number
  /** `until Ctrl-C`: it keeps a terminal of its own. */
  readonly stays: boolean
  /** `takes minutes`: it is shown elsewhere, and not typed. */
  readonly takesMinutes: boolean
  /** Programs it cannot do without, by its first word and its comment (`needs NAME`). */
  readonly needs: readonly string[]
}

const commentOf = (text: string): string => /\s#\s(.*)$/m.exec(text.split('\n')[0] ?? '')?.[1] ?? ''
const wordsOfShell = new Set(['export', 'cd', 'mkdir', 'cat', 'npx', 'npm', 'git'])

const typed = (text: string, line: number): Typed => {
  const comment = commentOf(text)
  const first = text.split(/\s/)[0] ?? ''
  const named = /needs (\S+?)[;,]?(\s|$)/.exec(comment)?.[1]
  return {
    text,
    line,
    exits: Number(/\bexits (\d+)/.exec(comment)?.[1] ?? 0),
    stays: comment.includes('until Ctrl-C'),
    takesMinutes: comment.includes('takes minutes'),
    needs: [
      ...(wordsOfShell.has(first) ? [] : [first]),
      ...(text.includes('docker ') ? ['docker'] : []),
      ...(named ? [named] : []),
    ],
  }
}

/** The commands of one block: a line each, and with it what a backslash or a here-document adds. */
const commandsOf = (block: readonly string[], at: number): Typed[] => {
  const found: Typed[] = []
  for (let here = 0; here < block.length; here += 1) {
    const from = here
    let text = block[here] ?? ''
    if (text.trim() === '') continue
    while (text.endsWith('\\') && here + 1 < block.length) text += `\n${block[(here += 1)]}`
    const end = /<<'?(\w+)'?/.exec(text)?.[1]
    while (end !== undefined && here + 1 < block.length && block[here] !== end) text += `\n${block[(here += 1)]}`
    found.push(typed(text, at + from))
  }
  return found
}

/** Every command in the `sh` blocks of a Markdown text, in order. */
export const commandsIn = (markdown: string): Typed[] => {
  const lines = markdown.split('\n')
  const found: Typed[] = []
  for (let at = 0; at < lines.length; at += 1) {
    if (lines[at] !== '```sh') continue
    const end = lines.indexOf('```', at + 1)
    found.push(...commandsOf(lines.slice(at + 1, end), at + 2))
    at = end
  }
  return found
}

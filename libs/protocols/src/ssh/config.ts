/** One line of an ssh config: keyword in lower case, its arguments, and where it stood. */
export type SshOption = { readonly key: string; readonly values: readonly string[]; readonly where: string }
/** Options that hold for hosts which fit every one of `hosts` (a list of patterns each: a block inside an included file has several). */
export type SshBlock = { readonly hosts: readonly (readonly string[])[]; readonly options: readonly SshOption[] }
export type SshConfig = { readonly blocks: readonly SshBlock[]; readonly warnings: readonly string[] }

/** The files an `Include` names, in order; nothing for a pattern that matches none. */
export type ReadIncluded = (pattern: string) => readonly { readonly path: string; readonly text: string }[]

const includesDeepMax = 16
const linesMax = 50_000

/**
 * Reads an ssh config. `Match` blocks are left out, with a warning that says where (`Match all` alone is understood). Never throws:
 * what cannot be read is a warning.
 */
export const parseSshConfig = (text: string, where: string, included: ReadIncluded = () => []): SshConfig => {
  const blocks: SshBlock[] = []
  const warnings: string[] = []
  read(text, where, [], 0, { blocks, warnings, included })
  return { blocks, warnings }
}

type Sink = { readonly blocks: SshBlock[]; readonly warnings: string[]; readonly included: ReadIncluded }

const read = (text: string, where: string, outer: SshBlock['hosts'], depth: number, sink: Sink): void => {
  const { blocks, warnings } = sink
  // Null: inside a Match block, whose options hold for nobody here.
  let hosts: SshBlock['hosts'] | null = outer
  let options: SshOption[] = []
  const close = () => {
    // One without options still names its hosts.
    if (hosts !== null && (options.length > 0 || hosts.length > outer.length)) blocks.push({ hosts, options })
    options = []
  }
  const lines = text.split('\n', linesMax)
  for (const [n, line] of lines.entries()) {
    const at = `${where}:${n + 1}`
    const words = wordsOf(line)
    if (words === null) {
      warnings.push(`${at}: a quote is not closed; the line is left out`)
      continue
    }
    const [key = '', ...values] = words
    switch (key.toLowerCase()) {
      case '':
        break
      case 'host':
        close()
        hosts = [...outer, values]
        break
      case 'match':
        close()
        hosts = values.length === 1 && values[0]?.toLowerCase() === 'all' ? outer : null
        if (hosts === null) warnings.push(`${at}: Match is not understood; its block is left out`)
        break
      case 'include': {
        const within = hosts
        if (within === null) break
        close()
        for (const pattern of values) include(pattern, at, within, depth, sink)
        break
      }
      default:
        options.push({ key: key.toLowerCase(), values, where: at })
    }
  }
  close()
}

const include = (pattern: string, at: string, hosts: SshBlock['hosts'], depth: number, sink: Sink): void => {
  if (depth >= includesDeepMax) {
    sink.warnings.push(`${at}: Include goes deeper than ${includesDeepMax} files; the rest is left out`)
    return
  }
  for (const { path, text } of sink.included(pattern)) read(text, path, hosts, depth + 1, sink)
}

/** `Key value`, `Key=value`, `Key "a value" other`, `# comment`; null when a quote is left open. */
const wordsOf = (line: string): string[] | null => {
  const trimmed = line.trim()
  if (trimmed === '' || trimmed.startsWith('#')) return []
  const match = /^([A-Za-z0-9]+)(?:\s*=\s*|\s+)?(.*)$/.exec(trimmed)
  if (!match) return []
  const words = [match[1] as string]
  let rest = match[2] ?? ''
  while (rest !== '' && !rest.startsWith('#')) {
    const word = /^"([^"]*)"\s*|^([^\s"]+)\s*/.exec(rest)
    if (!word) return null
    words.push(word[1] ?? word[2] ?? '')
    rest = rest.slice(word[0].length)
  }
  return words
}

/** Names that stand in `Host` lines without a wildcard: the hosts a person has given names to. */
export const namedHosts = (config: SshConfig): string[] => [
  ...new Set(config.blocks.flatMap(({ hosts }) => (hosts.at(-1) ?? []).filter(pattern => !/[*?!]/.test(pattern)))),
]

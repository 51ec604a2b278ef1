type Part = { stem: string; number: string; tail: string }

const split = (name: string): Part | null => {
  const match = /^(.*?)(\d{1,9})(\D*)$/.exec(name)
  return match ? { stem: match[1] as string, number: match[2] as string, tail: match[3] as string } : null
}

const ranges = (numbers: readonly string[]): string[] => {
  const found: { first: string; last: string }[] = []
  for (const number of numbers) {
    const open = found.at(-1)
    const follows = open && Number(open.last) + 1 === Number(number) && sameWidth(open.last, number)
    if (follows) open.last = number
    else found.push({ first: number, last: number })
  }
  return found.map(({ first, last }) => (first === last ? first : `${first}-${last}`))
}
/** Whether counting from one gives the other: `09` 10, 9 10, but not 9 `010`. */
const sameWidth = (a: string, b: string) => String(Number(a) + 1).padStart(a.length, '0') === b

/**
 * Names as short as a selector takes them: `demo-[1-3]`, `web[1-3,7]`, `db`. What it gives can be pasted behind `--on`,
 * joined with `or`.
 */
export const nodesets = (names: readonly string[]): string[] => {
  const byStem = new Map<string, { part: Part | null; names: string[] }>()
  for (const name of [...new Set(names)].sort(byNumber)) {
    const part = split(name)
    const key = part ? `${part.stem}\u0000${part.tail}` : `\u0001${name}`
    const known = byStem.get(key)
    if (known) known.names.push(name)
    else byStem.set(key, { part, names: [name] })
  }
  return [...byStem.values()].map(({ part, names }) =>
    part && names.length > 1
      ? `${part.stem}[${ranges(names.map(name => split(name)?.number ?? '')).join(',')}]${part.tail}`
      : (names[0] as string),
  )
}

export const byNumber = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })

/** For people: at most `namesMax` sets, then how many hosts more. */
export const hostsText = (names: readonly string[], setsMax = 6): string => {
  const sets = nodesets(names)
  return sets.length <= setsMax ? sets.join(', ') : `${sets.slice(0, setsMax).join(', ')}, … (${names.length} hosts)`
}

/** A pattern of ssh_config(5) and known_hosts: `*` any text, `?` one character; letters of any case. */
const fits = (pattern: string, name: string): boolean => {
  // Two pointers and one place to go back to: linear in practice, whatever the pattern is.
  const [p, n] = [pattern.toLowerCase(), name.toLowerCase()]
  let [at, star, mark] = [0, -1, 0]
  for (let i = 0; i < n.length;) {
    if (p[at] === '*') {
      star = at
      mark = i
      at += 1
    } else if (at < p.length && (p[at] === '?' || p[at] === n[i])) {
      at += 1
      i += 1
    } else if (star >= 0) {
      mark += 1
      i = mark
      at = star + 1
    } else return false
  }
  return /^\**$/.test(p.slice(at))
}

/** Whether a list of patterns picks a name: at least one fits, and none that begins with `!` does. */
export const patternsFit = (patterns: readonly string[], name: string): boolean =>
  patterns.some(one => !one.startsWith('!') && fits(one, name)) &&
  !patterns.some(one => one.startsWith('!') && fits(one.slice(1), name))

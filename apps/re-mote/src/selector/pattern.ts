/**
 * A pattern of names and values (`*`, `?`, `[1-90]`) as an anchored regular expression for Postgres. Ranges become digit classes, so the
 * expression stays short however many numbers a range holds. Matches what `patternMatches` of the protocols matches.
 */
export const patternToRegExp = (pattern: string): string => {
  let text = ''
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] as string
    const ranges =
      character === '[' ? /^\[(\d{1,9}(?:-\d{1,9})?(?:,\d{1,9}(?:-\d{1,9})?)*)\]/.exec(pattern.slice(at)) : null
    const expression = ranges ? rangesToRegExp(ranges[1] as string) : null
    if (ranges && expression !== null) {
      text += expression
      at += ranges[0].length - 1
    } else if (character === '*') text += '.*'
    else if (character === '?') text += '.'
    else text += character.replace(/[.+^${}()|[\]\\]/, '\\$&')
  }
  return `^${text}$`
}

const rangesToRegExp = (text: string): string | null => {
  const parts: string[] = []
  for (const range of text.split(',')) {
    const [first = '', last = first] = range.split('-')
    if (Number(last) < Number(first)) return null
    parts.push(...rangeToRegExps(Number(first), Number(last), first.length))
  }
  return `(${parts.join('|')})`
}

/** Numbers are written with at least `width` digits, so each block of equally long numbers is split by itself. */
const rangeToRegExps = (first: number, last: number, width: number): string[] => {
  const parts: string[] = []
  for (let low = first; low <= last;) {
    const digits = Math.max(width, String(low).length)
    const high = Math.min(last, 10 ** digits - 1)
    parts.push(...splitByDigits(String(low).padStart(digits, '0'), String(high).padStart(digits, '0')))
    low = high + 1
  }
  return parts
}

/** `low` and `high` are equally long: common head, then the three parts where the first digit is low's, between, high's. */
const splitByDigits = (low: string, high: string): string[] => {
  if (low === high) return [low]
  const rest = low.length - 1
  const any = rest === 0 ? '' : `[0-9]{${rest}}`
  const [a, b] = [Number(low[0]), Number(high[0])]
  if (/^0*$/.test(low.slice(1)) && /^9*$/.test(high.slice(1))) return [`[${a}-${b}]${any}`]
  if (a === b) return splitByDigits(low.slice(1), high.slice(1)).map(part => `${a}${part}`)
  return [
    ...splitByDigits(low.slice(1), '9'.repeat(rest)).map(part => `${a}${part}`),
    ...(b - a > 1 ? [`[${a + 1}-${b - 1}]${any}`] : []),
    ...splitByDigits('0'.repeat(rest), high.slice(1)).map(part => `${b}${part}`),
  ]
}

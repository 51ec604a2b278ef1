/**
 * Patterns of names and values: `*` any text, `?` any character, `[1-90]` or `[01-12,20]` a number in the ranges, written with
 * the zeros of the range's first number. Matching walks the pattern once with the set of places the text may have been
 * read to, so no pattern, however hostile, takes more than (its length x the text's length) steps.
 */
type Range = { readonly first: number; readonly last: number; readonly width: number }
export type NoRange = { readonly error: string }

/** `1-90` or `1,3,5-7` as ranges, or why it is none. Numbers have at most nine digits. */
export const parseRanges = (text: string): readonly Range[] | NoRange => {
  const ranges: Range[] = []
  for (const part of text.split(',')) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part)
    if (!match) return { error: 'a range such as [1-90] or [1,3,5-7]' }
    const first = match[1] as string
    const last = match[2] ?? first
    if (Number(last) < Number(first)) return { error: 'a range that goes up' }
    ranges.push({ first: Number(first), last: Number(last), width: first.length })
  }
  return ranges
}

const inRanges = (ranges: readonly Range[], digits: string): boolean =>
  ranges.some(
    ({ first, last, width }) =>
      Number(digits) >= first && Number(digits) <= last && String(Number(digits)).padStart(width, '0') === digits,
  )

/** Where a bracket at `open` ends and what it holds; null when it is no range and so stands for itself. */
const rangesAt = (pattern: string, open: number) => {
  const close = pattern.indexOf(']', open)
  const ranges = close < 0 ? null : parseRanges(pattern.slice(open + 1, close))
  return ranges && !('error' in ranges) ? { ranges, close } : null
}

export const patternMatches = (pattern: string, text: string): boolean => {
  let places = new Set([0])
  for (let at = 0; at < pattern.length && places.size > 0; at += 1) {
    const character = pattern[at]
    const next = new Set<number>()
    const bracket = character === '[' ? rangesAt(pattern, at) : null
    if (character === '*') for (let place = Math.min(...places); place <= text.length; place += 1) next.add(place)
    else
      for (const place of places) {
        if (bracket) {
          for (let end = place + 1; end <= text.length && end <= place + 9 && /\d/.test(text[end - 1] ?? ''); end += 1)
            if (inRanges(bracket.ranges, text.slice(place, end))) next.add(end)
        } else if (place < text.length && (character === '?' || character === text[place])) next.add(place + 1)
      }
    if (bracket) at = bracket.close
    places = next
  }
  return places.has(text.length)
}

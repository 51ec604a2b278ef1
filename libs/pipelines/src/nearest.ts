/** Edits (insert, delete, replace) from one word to another. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n)
  for (const [i, left] of a.split('').entries()) {
    const next = [i + 1]
    for (const [j, right] of b.split('').entries())
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (left === right ? 0 : 1)))
    row = next
  }
  return row[b.length] ?? a.length
}

/** The name that was probably meant, or null when none is near. */
export const nearest = (word: string, names: readonly string[]): string | null => {
  const ranked = names
    .map(name => ({ name, edits: name.startsWith(word) && word !== '' ? 0 : distance(word.slice(0, 64), name) }))
    .sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  return best && best.edits <= Math.max(2, Math.floor(word.length / 3)) ? best.name : null
}

export const familyOf = (name: string): string => name.split('.')[0] as string

/**
 * Names of the form `family.verb` in short, for a message: of the family that `word` names all, else each family as
 * `family.*`, and in full what has no family or is alone in it.
 */
export const inShort = (names: readonly string[], word = ''): readonly string[] => {
  const families = Map.groupBy(names, familyOf)
  const meant = families.get(familyOf(word))
  if (meant && meant.length > 1) return meant
  return [...families].flatMap(([family, of]) => {
    const verbs = of.filter(name => name !== family)
    return [...of.filter(name => name === family), ...(verbs.length > 1 ? [`${family}.*`] : verbs)]
  })
}

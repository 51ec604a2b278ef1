import { usage } from '../fault.ts'

/** `k=v` or `k=v,k2=v2`, possibly given several times. */
export const labelsOf = (given: readonly string[]): Record<string, string> => {
  const found: Record<string, string> = {}
  for (const pair of given.flatMap(text => text.split(','))) {
    const match = /^([A-Za-z][A-Za-z0-9_./-]{0,62})=(.{0,256})$/.exec(pair.trim())
    if (!match)
      throw usage(
        `--label: \`${pair}\` is not key=value; a key begins with a letter and has letters, digits and _ . / -`,
      )
    found[match[1] as string] = match[2] as string
  }
  return found
}

export const wholeNumber = (text: string, what: string, min: number, max: number): number => {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= min && number <= max)) throw usage(`${what}: \`${text}\` is not a whole number from ${min} to ${max}`)
  return number
}

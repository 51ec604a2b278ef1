/** Of each sort, told by its first words: many of one must not hide the others. */
const findingsMax = 8

export type Findings = { readonly findings: string[]; find(sort: string, text: string): void }

/** What a checker has to say, the first few of each sort. */
export const makeFindings = (): Findings => {
  const findings: string[] = []
  const sorts = new Map<string, number>()
  return {
    findings,
    find: (sort, text) => {
      const n = (sorts.get(sort) ?? 0) + 1
      sorts.set(sort, n)
      if (n <= findingsMax) findings.push(`${sort}: ${text}`)
    },
  }
}

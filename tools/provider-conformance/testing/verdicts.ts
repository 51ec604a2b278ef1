import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Verdict = 'pass' | 'fail' | { readonly skip: string }

const line = (letter: string, verdicts: readonly (readonly [number, Verdict])[]): string => {
  const cells = verdicts.map(
    ([n, verdict]) => `${n} ${typeof verdict === 'string' ? verdict : `skip (${verdict.skip})`}`,
  )
  return `conformance ${letter}: ${cells.join(', ')}\n`
}

/** What came of a target's cases: a part of its row of the matrix. Of a case that several tests show all must pass. */
export const makeVerdicts = (letter: string, part: string) => {
  const all: [number, Verdict][] = []
  return {
    skip: (n: number, skip: string): void => void all.push([n, { skip }]),
    /** Failed, until it has passed. */
    begin: (ns: readonly number[]): { passed(): void } => {
      const mine = ns.map((n): [number, Verdict] => [n, 'fail'])
      all.push(...mine)
      return {
        passed: () => {
          for (const one of mine) one[1] = 'pass'
        },
      }
    },
    /** Prints them, and leaves them to whoever draws the matrix. */
    tell: (): void => {
      process.stdout.write(line(letter, all))
      const folder = process.env['REOPS_MATRIX']
      if (folder !== undefined) writeFileSync(join(folder, `${letter}-${part}.json`), JSON.stringify(all))
    },
  }
}

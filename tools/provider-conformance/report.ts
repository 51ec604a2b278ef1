import type { Report } from '../proof/report.ts'
import type { Cells } from './matrix.ts'

/** One cell as it is kept; `why` = why it was left out. */
export type KeptCell = { readonly n: number; readonly letter: string; readonly end: string; readonly why?: string }

/** All cells, row by row. */
export const keptCells = (cells: Cells): KeptCell[] =>
  [...cells].flatMap(([n, row]) =>
    [...row].map(([letter, cell]) =>
      typeof cell === 'string' ? { n, letter, end: cell } : { n, letter, end: 'skip', why: cell.skip },
    ),
  )

/** Cells by what came of them; `missing`: the table asks for it and no test shows it; and files that did not end. */
export const reportOf = (cells: Cells, brokenFiles: number): Report => {
  const all = keptCells(cells)
  const count = (wanted: string) => all.filter(({ end }) => end === wanted).length
  const [passed, skipped, missing, failed] = [count('pass'), count('skip'), count('none'), count('fail')]
  return {
    name: 'providers',
    measures: { cases: cells.size, passed, skipped, missing, failed, brokenFiles },
    aims: {
      passed: { atLeast: 1 },
      missing: { atMost: 0 },
      failed: { atMost: 0 },
      brokenFiles: { atMost: 0 },
    },
  }
}

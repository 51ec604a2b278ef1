import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cannot, elsewhere } from './testing/elsewhere.ts'
import { fill, type Cell, type Cells } from './matrix.ts'
import type { Came } from './run.ts'

type Taken = Map<number, Map<string, Cell>>
const put = (taken: Taken, n: number, letter: string, cell: Cell): void => {
  const row = taken.get(n) ?? new Map<string, Cell>()
  const before = row.get(letter)
  // One that failed anywhere has failed.
  if (before !== 'fail')
    row.set(letter, before === undefined || typeof before === 'object' || cell === 'fail' ? cell : before)
  taken.set(n, row)
}

/** One that is left out says why at the end of its name. */
const cellOf = ({ status, fullName }: { readonly status: string; readonly fullName: string }): Cell => {
  if (status === 'passed') return 'pass'
  return status === 'pending' ? { skip: /\(([^()]+)\)$/.exec(fullName)?.[1] ?? 'its test is left out' } : 'fail'
}
/** What a file shows of a test that it is known to have; one that is not there any more shows nothing. */
const cellsIn = (came: Came | undefined, test: string): Cell[] => {
  if (came?.kind === 'left-out') return [{ skip: came.why }]
  if (came?.kind === 'broken') return ['fail']
  return (came?.tests ?? []).filter(({ fullName }) => fullName.includes(test)).map(cellOf)
}

/** T and K need programs that a machine may lack. */
const absent =
  (all: ReadonlyMap<string, Came>) =>
  (letter: string): string | null => {
    const came = all.get('tools/provider-conformance/kvm.heavy.test.ts')
    return 'TK'.includes(letter) && came?.kind === 'left-out' ? came.why : null
  }

/** What came of every case for every target: from the rows that targets left in the folder, and from tests that stand elsewhere. */
export const cellsOf = (folder: string, all: ReadonlyMap<string, Came>): Cells => {
  const taken: Taken = new Map()
  for (const name of readdirSync(folder).filter(one => /^[A-Z]-[a-z]+\.json$/.test(one))) {
    const row = JSON.parse(readFileSync(join(folder, name), 'utf8')) as [number, Cell][]
    for (const [n, cell] of row) put(taken, n, name[0] ?? '', cell)
  }
  for (const { n, letters, file, test } of elsewhere)
    for (const cell of cellsIn(all.get(file), test)) for (const letter of letters) put(taken, n, letter, cell)
  for (const { n, letter, why } of cannot) put(taken, n, letter, { skip: why })
  return fill(taken, absent(all))
}

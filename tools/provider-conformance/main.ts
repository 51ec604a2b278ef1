import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cannot, elsewhere } from './testing/elsewhere.ts'
import { otherEc2 } from './testing/other-ec2.ts'
import { fill, matrixText, type Cell } from './matrix.ts'
import { filesOf, runFile, type Came } from './run.ts'

const usage = `npm run conformance:providers     the numbered cases for every target of this machine, and the matrix of what came of them
Exit code: 0 when none failed; suites that this machine cannot run are skips, with the reason. It takes some ten minutes.
M is another server that speaks EC2, given by its address; without one it is our stand-in, in a process of its own:
  RECORE_TEST_EC2_ENDPOINT   http://127.0.0.1:5000
  RECORE_TEST_EC2_SECRET     ACCESS_KEY_ID:SECRET_ACCESS_KEY (test:test); _REGION (us-east-1), _IMAGE, _SIZE, _LARGER_SIZE
  RECORE_TEST_EC2_SKIPS      a file: {"3": "why it cannot do case 3", ...}
`

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

const cellsOf = (folder: string, all: ReadonlyMap<string, Came>): Taken => {
  const taken: Taken = new Map()
  for (const name of readdirSync(folder).filter(one => /^[A-Z]-[a-z]+\.json$/.test(one))) {
    const row = JSON.parse(readFileSync(join(folder, name), 'utf8')) as [number, Cell][]
    for (const [n, cell] of row) put(taken, n, name[0] ?? '', cell)
  }
  for (const { n, letters, file, test } of elsewhere)
    for (const cell of cellsIn(all.get(file), test)) for (const letter of letters) put(taken, n, letter, cell)
  for (const { n, letter, why } of cannot) put(taken, n, letter, { skip: why })
  return taken
}

/** T and K need programs that a machine may lack. */
const absent =
  (all: ReadonlyMap<string, Came>) =>
  (letter: string): string | null => {
    const came = all.get('tools/provider-conformance/kvm.heavy.test.ts')
    return 'TK'.includes(letter) && came?.kind === 'left-out' ? came.why : null
  }

const tell = (cells: ReadonlyMap<number, ReadonlyMap<string, Cell>>, broken: readonly string[]): number => {
  const whichM = otherEc2(process.env)?.endpoint ?? 'our stand-in in a process of its own, as no address is given'
  process.stdout.write(`${matrixText(cells)}\n\nM is ${whichM}\n`)
  for (const file of broken) process.stdout.write(`did not end: ${file}\n`)
  const all = [...cells.values()].flatMap(row => [...row.values()])
  const count = (kind: string) => all.filter(one => (typeof one === 'string' ? one : 'skip') === kind).length
  const counts = ['pass', 'skip', 'none', 'fail'].map(kind => `${count(kind)} ${kind === 'none' ? 'not shown' : kind}`)
  process.stdout.write(`${counts.join(', ')}\n`)
  return count('fail') + broken.length > 0 ? 1 : 0
}

const main = (args: readonly string[]): number => {
  if (args.length > 0) {
    process.stderr.write(usage)
    return args[0] === '--help' ? 0 : 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'matrix-'))
  try {
    const files = filesOf()
    const came = new Map<string, Came>()
    for (const [n, file] of files.entries()) {
      process.stderr.write(`${n + 1} of ${files.length}: ${file}\n`)
      came.set(file, runFile(folder, file))
    }
    const broken = files.filter(file => came.get(file)?.kind === 'broken')
    return tell(fill(cellsOf(folder, came), absent(came)), broken)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = main(process.argv.slice(2))

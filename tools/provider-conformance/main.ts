import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { elsewhere } from './testing/elsewhere.ts'
import { otherEc2 } from './testing/other-ec2.ts'
import { fill, matrixText, type Cell } from './matrix.ts'

const usage = `npm run conformance:providers     the numbered cases for every target of this machine, and the matrix of what came of them
M is another server that speaks EC2, given by its address:
  RECORE_TEST_EC2_ENDPOINT   http://127.0.0.1:5000
  RECORE_TEST_EC2_SECRET     ACCESS_KEY_ID:SECRET_ACCESS_KEY (test:test); _REGION (us-east-1), _IMAGE, _SIZE, _LARGER_SIZE
  RECORE_TEST_EC2_SKIPS      a file: {"3": "why it cannot do case 3", ...}
`
const root = dirname(dirname(import.meta.dirname))
const limitMs = 40 * 60_000

type Report = {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** Runs the suites; each target writes its row into the folder. */
const runSuites = (folder: string): Report => {
  const files = ['tools/provider-conformance/', ...new Set(elsewhere.map(one => one.file))]
  const jest = join(root, 'node_modules/jest/bin/jest.js')
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
  const patterns = files.map(file => file.replaceAll('.', '\\.'))
  const report = join(folder, 'report.json')
  spawnSync(process.execPath, [...flags, jest, '--runInBand', '--json', `--outputFile=${report}`, ...patterns], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, REOPS_HEAVY: '1', REOPS_MATRIX: folder },
    timeout: limitMs,
  })
  return JSON.parse(readFileSync(report, 'utf8')) as Report
}

type Taken = Map<number, Map<string, Cell>>
const put = (taken: Taken, n: number, letter: string, cell: Cell): void => {
  const row = taken.get(n) ?? new Map<string, Cell>()
  const before = row.get(letter)
  // One that failed anywhere has failed.
  if (before !== 'fail')
    row.set(letter, before === undefined || typeof before === 'object' || cell === 'fail' ? cell : before)
  taken.set(n, row)
}

const cellsOf = (folder: string, report: Report): Taken => {
  const taken: Taken = new Map()
  for (const name of readdirSync(folder).filter(one => /^[A-Z]-[a-z]+\.json$/.test(one))) {
    const row = JSON.parse(readFileSync(join(folder, name), 'utf8')) as [number, Cell][]
    for (const [n, cell] of row) put(taken, n, name[0] ?? '', cell)
  }
  for (const { n, letters, file, test } of elsewhere)
    for (const result of report.testResults.filter(one => relative(root, one.name) === file))
      for (const one of result.assertionResults.filter(({ fullName }) => fullName.includes(test)))
        for (const letter of letters) put(taken, n, letter, cellOf(one))
  return taken
}

/** One that is left out says why at the end of its name. */
const cellOf = ({ status, fullName }: Report['testResults'][number]['assertionResults'][number]): Cell => {
  if (status === 'passed') return 'pass'
  return status === 'pending' ? { skip: /\(([^()]+)\)$/.exec(fullName)?.[1] ?? 'its test is left out' } : 'fail'
}

const main = (args: readonly string[]): number => {
  if (args.length > 0) {
    process.stderr.write(usage)
    return args[0] === '--help' ? 0 : 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'matrix-'))
  try {
    const cells = fill(cellsOf(folder, runSuites(folder)), letter =>
      letter === 'M' && otherEc2(process.env) === null ? 'RECORE_TEST_EC2_ENDPOINT names no other server' : null,
    )
    process.stdout.write(`${matrixText(cells)}\n`)
    const all = [...cells.values()].flatMap(row => [...row.values()])
    const count = (kind: string) => all.filter(one => (typeof one === 'string' ? one : 'skip') === kind).length
    process.stdout.write(
      `${count('pass')} pass, ${count('skip')} skip, ${count('none')} not shown, ${count('fail')} fail\n`,
    )
    return count('fail') > 0 ? 1 : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = main(process.argv.slice(2))

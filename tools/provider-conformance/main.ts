import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { keep } from '../proof/command.ts'
import { holds, reportLine, reportTable } from '../proof/report.ts'
import { cellsOf } from './cells.ts'
import { matrixText, type Cells } from './matrix.ts'
import { keptCells, reportOf } from './report.ts'
import { filesOf, runFile, shownBefore, type Came } from './run.ts'
import { otherEc2 } from './testing/other-ec2.ts'

const usage = `npm run -s conformance:providers -- [OPTIONS]

Runs the numbered cases of the provider port for every target of this machine, file by file, and draws the matrix of what came of
them. Suites that this machine cannot run are skips, with the reason. It takes half an hour on two processors.
The machine of case 44, systemd and cloud-init on an emulated CPU, takes a quarter of that: REOPS_GUEST_DEBIAN=0 leaves it out.

  --json           one line of JSON on standard output; the matrix goes to standard error
  --only TEXT      files with this in their path; the result is not kept
  --folder PATH    what each file showed stays there; a file that has passed there before is not run again
  --keep no        does not keep the result in tools/provider-conformance/results
  --help

M is another server that speaks EC2, given by its address; without one it is our stand-in, in a process of its own:
  RECORE_TEST_EC2_ENDPOINT   http://127.0.0.1:5000
  RECORE_TEST_EC2_SECRET     ACCESS_KEY_ID:SECRET_ACCESS_KEY (test:test); _REGION (us-east-1), _IMAGE, _SIZE, _LARGER_SIZE
  RECORE_TEST_EC2_SKIPS      a file: {"3": "why it cannot do case 3", ...}

Exit code: 0 when none failed and none is missing, 1 when some did, 2 when it could not be run as asked.
`

const options = () =>
  parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string' },
      folder: { type: 'string' },
      keep: { type: 'string', default: 'yes' },
      help: { type: 'boolean', default: false },
    },
  }).values

const say = (line: string): void => void process.stderr.write(`${line}\n`)
const whichM = (): string =>
  otherEc2(process.env)?.endpoint ?? 'our stand-in in a process of its own, as no address is given'

const secondsSince = (from: number): string => `${Math.round((performance.now() - from) / 1_000)} s`

/** Each file in a process of its own, one after the other. */
const runAll = (folder: string, files: readonly string[]): Map<string, Came> => {
  const came = new Map<string, Came>()
  for (const [n, file] of files.entries()) {
    const from = performance.now()
    say(`${n + 1} of ${files.length}: ${file}`)
    const before = shownBefore(folder, file)
    const one = before ?? runFile(folder, file)
    came.set(file, one)
    if (before !== null) say('  has passed before')
    else if (one.kind !== 'ran') say(`  ${one.kind === 'broken' ? 'did not end' : `left out: ${one.why}`}`)
    else say(`  ${one.tests.length} tests in ${secondsSince(from)}`)
  }
  return came
}

const tell = (cells: Cells, broken: readonly string[], { json, only, keep: isKept }: ReturnType<typeof options>) => {
  const matrix = `${matrixText(cells)}\n\nM is ${whichM()}`
  for (const file of broken) say(`did not end: ${file}`)
  const report = reportOf(cells, broken.length)
  if (only === undefined && isKept !== 'no') {
    keep(new URL('./results/', import.meta.url), report, { m: whichM(), cells: keptCells(cells) })
    say('kept; npm run docs writes docs/provider-conformance.md from it')
  }
  if (json) say(matrix)
  process.stdout.write(json ? `${reportLine(report)}\n` : `${matrix}\n\n${reportTable(report)}\n`)
  return holds(report) ? 0 : 1
}

const main = (): number => {
  const given = options()
  if (given.help) {
    process.stdout.write(usage)
    return 0
  }
  const files = filesOf().filter(file => file.includes(given.only ?? ''))
  if (files.length === 0) throw new Error(`--only ${given.only}: no file has that in its path`)
  const folder = given.folder === undefined ? mkdtempSync(join(tmpdir(), 'matrix-')) : resolve(given.folder)
  mkdirSync(folder, { recursive: true })
  try {
    process.env['REOPS_GUEST_DEBIAN'] ??= '1' // here all cases are asked for
    const came = runAll(folder, files)
    const broken = files.filter(file => came.get(file)?.kind === 'broken')
    return tell(cellsOf(folder, came), broken, given)
  } finally {
    if (given.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

try {
  process.exitCode = main()
} catch (error) {
  process.stderr.write(`conformance:providers: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suites } from '../test/suites.ts'
import { elsewhere } from './testing/elsewhere.ts'

const root = dirname(dirname(import.meta.dirname))
const own = 'tools/provider-conformance'
/** Of one file, on a machine that is busy. */
const limitMs = 15 * 60_000

type Ran = { readonly fullName: string; readonly status: string }
/** What came of a file: its tests; or why this machine cannot run it; or `broken`: it did not end. */
export type Came =
  | { readonly kind: 'ran'; readonly tests: readonly Ran[] }
  | { readonly kind: 'left-out'; readonly why: string }
  | { readonly kind: 'broken' }

/** What keeps the heavy suite of that file from running here, in one line, or null. */
const whyNot = (file: string): string | null =>
  suites.find(suite => new RegExp(suite.files).test(file))?.needs() ?? null

/** From the root: the targets' own files, and those of others that show a case. */
export const filesOf = (): string[] => {
  const here = readdirSync(join(root, own)).filter(name => name.endsWith('.test.ts'))
  return [...new Set([...here.map(name => `${own}/${name}`), ...elsewhere.map(one => one.file)])]
}

const reportPath = (folder: string, file: string): string => join(folder, `${file.replaceAll('/', '+')}.report`)

const readReport = (path: string): Came => {
  if (!existsSync(path)) return { kind: 'broken' }
  const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly testResults: readonly { readonly assertionResults: readonly Ran[] }[]
  }
  const tests = testResults.flatMap(one => one.assertionResults)
  return tests.length === 0 ? { kind: 'broken' } : { kind: 'ran', tests }
}

/** What a file showed in that folder before, if nothing of it failed; otherwise null. */
export const shownBefore = (folder: string, file: string): Came | null => {
  const came = readReport(reportPath(folder, file))
  return came.kind === 'ran' && came.tests.every(({ status }) => status !== 'failed') ? came : null
}

/** Runs one file; targets write their rows of the matrix into the folder. */
export const runFile = (folder: string, file: string): Came => {
  const why = whyNot(file)
  if (why !== null) return { kind: 'left-out', why }
  const jest = join(root, 'node_modules/jest/bin/jest.js')
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
  const report = reportPath(folder, file)
  // What an earlier run of it left there says nothing of this one.
  rmSync(report, { force: true })
  const args = [...flags, jest, '--runInBand', '--json', `--outputFile=${report}`, '--runTestsByPath', file]
  spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, REOPS_HEAVY: '1', REOPS_MATRIX: folder },
    timeout: limitMs,
  })
  return readReport(report)
}

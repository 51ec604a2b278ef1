import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Counts } from './counts.ts'

export type JestRun = {
  readonly root: string
  /** Parts of paths (regular expressions); none = all. */
  readonly patterns: readonly string[]
  readonly heavy: boolean
  /** Heavy files two at a time instead of one after the other. */
  readonly inPairs?: boolean
  readonly limitMs: number
}

/** The part of jest's JSON that is read here. */
type Report = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numRuntimeErrorTestSuites: number
  testResults: readonly FileReport[]
}
type FileReport = {
  name: string
  status: string
  /** Why the file could not be run at all. */
  message: string
  assertionResults: readonly { status: string; fullName: string; failureMessages?: readonly string[] | null }[]
}

/** Tests left out are counted as skipped; a file that cannot even be loaded is one failure. */
export const countsOf = (report: Report): Counts => ({
  passed: report.numPassedTests,
  failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
  skipped: report.numPendingTests + report.numTodoTests,
})

const whyLinesMax = 12
const whyOf = (text: string): string[] =>
  stripVTControlCharacters(text)
    .split('\n')
    .filter(line => line.trim() !== '' && !/^\s+at .*node_modules/.test(line))
    .slice(0, whyLinesMax)
    .map(line => `      ${line}`)

/** Each test that failed, with the first lines of why: said again at the end of a long run, where it is found. */
export const failuresOf = (report: Report, root: string): readonly string[] =>
  report.testResults.flatMap(file => {
    const path = relative(root, file.name)
    const failed = file.assertionResults.filter(one => one.status === 'failed')
    if (failed.length === 0) return file.status === 'failed' ? [`  ${path}`, ...whyOf(file.message)] : []
    return failed.flatMap(one => [`  ${path}: ${one.fullName}`, ...whyOf(one.failureMessages?.[0] ?? '')])
  })

const killAfterMs = 10_000

/** Runs jest in a process of its own (ES modules need a flag of Node). One that does not end, or breaks, is one failure. */
export const runJest = async (run: JestRun, say: (line: string) => void, failures: string[] = []): Promise<Counts> => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-jest-'))
  const file = join(folder, 'report.json')
  try {
    const { code, late } = await jest(run, file)
    const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : null
    const counts = report && countsOf(report)
    if (report) failures.push(...failuresOf(report, run.root))
    const broken = late || counts === null || (code !== 0 && counts.failed === 0)
    const why = late ? `did not end within ${run.limitMs / 1000} s and was stopped` : `ended with ${code}`
    if (broken) {
      const line = `  jest ${why}${counts === null ? ' and left no report' : ''} (${run.patterns.join(' ') || 'all tests'})`
      say(line)
      failures.push(line)
    }
    const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 }
    return { passed, failed: failed + (broken ? 1 : 0), skipped }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const jest = (run: JestRun, file: string): Promise<{ code: number; late: boolean }> =>
  new Promise((resolve, reject) => {
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
    const child = spawn(
      process.execPath,
      [
        ...flags,
        join(run.root, 'node_modules/jest/bin/jest.js'),
        '--json',
        `--outputFile=${file}`,
        '--passWithNoTests',
        ...(run.heavy && run.inPairs !== true ? ['--runInBand'] : []),
        ...run.patterns,
      ],
      {
        cwd: run.root,
        // With --json the report goes to standard output as well; people read jest's words on standard error.
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, REOPS_HEAVY: run.heavy ? '1' : '0', FORCE_COLOR: process.stderr.isTTY ? '1' : '0' },
      },
    )
    let late = false
    const timers = [
      setTimeout(() => {
        late = true
        child.kill('SIGTERM')
        timers.push(setTimeout(() => child.kill('SIGKILL'), killAfterMs))
      }, run.limitMs),
    ]
    const stop = (signal: NodeJS.Signals) => void child.kill(signal)
    process.on('SIGINT', stop).on('SIGTERM', stop)
    child.once('error', reject)
    child.once('exit', code => {
      for (const timer of timers) clearTimeout(timer)
      process.off('SIGINT', stop).off('SIGTERM', stop)
      resolve({ code: code ?? 128, late })
    })
  })

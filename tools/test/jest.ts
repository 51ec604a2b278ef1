import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Counts } from './counts.ts'

export type JestRun = {
  readonly root: string
  /** Parts of paths (regular expressions); none = all. */
  readonly patterns: readonly string[]
  readonly heavy: boolean
  readonly limitMs: number
}

/** The part of jest's JSON that is read here. */
type Report = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numRuntimeErrorTestSuites: number
}

/** Tests left out are counted as skipped; a file that cannot even be loaded is one failure. */
export const countsOf = (report: Report): Counts => ({
  passed: report.numPassedTests,
  failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
  skipped: report.numPendingTests + report.numTodoTests,
})

const killAfterMs = 10_000

/** Runs jest in a process of its own (ES modules need a flag of Node). One that does not end, or breaks, is one failure. */
export const runJest = async (run: JestRun, say: (line: string) => void): Promise<Counts> => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-jest-'))
  const file = join(folder, 'report.json')
  try {
    const { code, late } = await jest(run, file)
    const counts = existsSync(file) ? countsOf(JSON.parse(readFileSync(file, 'utf8')) as Report) : null
    if (late) say(`  FAIL  jest did not end within ${run.limitMs / 1000} s and was stopped`)
    else if (counts === null) say(`  FAIL  jest ended with ${code} and left no report`)
    const broken = late || counts === null || (code !== 0 && counts.failed === 0)
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
        ...(run.heavy ? ['--runInBand'] : []),
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

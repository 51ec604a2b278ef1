import type { Check } from './finding.ts'
import type { Counts } from '../test/counts.ts'

const linesMax = 60
const atOnce = 2

/** Runs the checks two at a time; one line each as it ends, and the findings of those that fail. A check that breaks has failed. */
export const runChecks = async (
  root: string,
  checks: readonly Check[],
  say: (line: string) => void,
): Promise<Counts> => {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const one = async (check: Check): Promise<void> => {
    const started = performance.now()
    const { findings, skipped } = await check.run(root).catch((error: unknown) => ({
      findings: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
      skipped: undefined,
    }))
    const state = findings.length > 0 ? 'failed' : skipped === undefined ? 'passed' : 'skipped'
    counts[state] += 1
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    const word = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' }[state]
    say(`  ${word}  check ${check.name.padEnd(10)}  ${seconds.padStart(5)} s  ${skipped ?? check.doc}`)
    for (const finding of findings.slice(0, linesMax)) say(`        ${finding}`)
    if (findings.length > linesMax) say(`        and ${findings.length - linesMax} more lines`)
  }
  const left = checks.values()
  const lane = async (): Promise<void> => {
    for (const check of left) await one(check)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return counts
}

import { globSync } from 'node:fs'
import { dirname } from 'node:path'
import { checks } from '../check/checks.ts'
import { runChecks } from '../check/run-checks.ts'
import { countsLine, sumOf, type Counts } from './counts.ts'
import { runJest } from './jest.ts'
import { plan, suites } from './suites.ts'

const usage = `npm test [-- PATH ...]     checks and tests (with PATH: only tests whose path contains it)
npm run test:all           the heavy suites as well, one after the other
npm run test:all -- --heavy  the heavy suites alone
`
const root = dirname(dirname(import.meta.dirname))
const jestLimitMs = 15 * 60_000
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const checked = (): Promise<Counts> => {
  say('\nchecks')
  return runChecks(root, checks, say)
}

const failures: string[] = []

const tested = (patterns: readonly string[]): Promise<Counts> => {
  say('\ntests')
  return runJest({ root, patterns, heavy: false, limitMs: jestLimitMs }, say, failures)
}

/** Each suite this machine can run; the others count as one skipped test, with the reason. */
const heavy = async (): Promise<Counts> => {
  const files = globSync('{libs,apps,tools,deploy}/**/*.heavy.test.ts', { cwd: root, exclude: ['**/node_modules/**'] })
  const all: Counts[] = []
  for (const { suite, files: paths } of plan(suites, files.toSorted())) {
    const missing = suite.needs()
    say(`\nheavy: ${suite.name} (${suite.doc})`)
    if (missing === null) {
      const patterns = paths.map(path => path.replaceAll('.', '\\.'))
      all.push(
        await runJest(
          { root, patterns, heavy: true, limitMs: suite.limitMs, inPairs: suite.inPairs === true },
          say,
          failures,
        ),
      )
    } else {
      say(`  skip  this machine cannot run it: ${missing}`)
      all.push({ passed: 0, failed: 0, skipped: 1 })
    }
  }
  return sumOf(all)
}

const main = async (args: readonly string[]): Promise<number> => {
  const flags = args.filter(arg => arg.startsWith('-'))
  const patterns = args.filter(arg => !arg.startsWith('-'))
  const unknown = flags.filter(flag => !['--all', '--heavy'].includes(flag))
  if (unknown.length > 0) {
    process.stderr.write(`${unknown[0] === '--help' ? '' : `${unknown.join(' ')} is not known\n`}${usage}`)
    return unknown[0] === '--help' ? 0 : 2
  }
  const started = performance.now()
  const all: Counts[] = []
  if (!flags.includes('--heavy') && patterns.length === 0) all.push(await checked())
  if (!flags.includes('--heavy')) all.push(await tested(patterns))
  if (flags.length > 0) all.push(await heavy())
  const counts = sumOf(all)
  if (failures.length > 0) say(`\nwhat failed:\n${failures.join('\n')}`)
  say(`\n${((performance.now() - started) / 1000).toFixed(0)} s`)
  say(countsLine(counts))
  return counts.failed > 0 ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))

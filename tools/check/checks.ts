import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { missingFrom, type LockedPackages } from '../bootstrap/lock.mjs'
import { boundaryViolations } from './boundaries.ts'
import { binary, tool } from './command.ts'
import type { Check, Verdict } from './finding.ts'
import { filesOf, readRepository } from './repository.ts'
import { textFindings } from './text.ts'

const fileBytesMax = 1024 * 1024
/** The words themselves stand in these two. */
const textItself = ['tools/check/text.ts', 'tools/check/text.test.ts']

const forbiddenText = async (root: string): Promise<Verdict> => {
  const paths = (await filesOf(root)).filter(
    path =>
      !textItself.includes(path) &&
      statSync(join(root, path)).isFile() &&
      statSync(join(root, path)).size <= fileBytesMax,
  )
  return { findings: paths.flatMap(path => textFindings(path, readFileSync(join(root, path), 'utf8'))) }
}

/** `npm ci` refuses a lock that does not hold every optional package its packages name. */
const completeLock = async (root: string): Promise<Verdict> => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: LockedPackages }
  return { findings: missingFrom(packages).map(({ name }) => `package-lock.json lacks ${name}; run npm run lock`) }
}

/** A check that is a program of this repository. */
const program = async (root: string, path: string, ...args: string[]): Promise<Verdict> =>
  existsSync(join(root, path))
    ? tool(root, [process.execPath, path, ...args])
    : { findings: [], skipped: `there is no ${path}` }

/** What holds for the whole text of the repository; each counts as one test. The longest first: two run at a time. */
export const checks: readonly Check[] = [
  {
    name: 'format',
    doc: 'prettier; npm run format mends it',
    run: root => tool(root, [binary(root, 'prettier'), '--check', '--log-level', 'warn', '.']),
  },
  { name: 'types', doc: 'tsc', run: root => tool(root, [binary(root, 'tsc'), '-p', '.', '--pretty', 'false']) },
  {
    name: 'lint',
    doc: 'oxlint with types',
    run: root => tool(root, [binary(root, 'oxlint'), '--type-aware', '--format', 'unix', 'libs', 'apps', 'tools']),
  },
  {
    name: 'boundaries',
    doc: 'imports are declared and go one way',
    run: async root => ({ findings: boundaryViolations(await readRepository(root)) }),
  },
  { name: 'lock', doc: 'package-lock.json serves every platform; npm run lock mends it', run: completeLock },
  { name: 'text', doc: 'no registry, no path of one machine, no rule switched off', run: forbiddenText },
  {
    name: 'bundles',
    doc: 'no bundle holds what must not be in it (the agent: nothing that serves or stores)',
    run: root => program(root, 'tools/bundle/main.ts', 're-gent', 'reops'),
  },
  {
    name: 'docs',
    doc: 'generated documents are fresh; npm run docs mends it',
    run: root => program(root, 'tools/docs/main.ts', '--check'),
  },
]

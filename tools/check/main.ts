import { dirname } from 'node:path'
import { checks } from './checks.ts'
import { runChecks } from './run-checks.ts'

/** `node tools/check/main.ts [NAME ...]`: the named checks, or all. */
const root = dirname(dirname(import.meta.dirname))
const names = process.argv.slice(2)
const unknown = names.filter(name => !checks.some(check => check.name === name))
if (unknown.length > 0) {
  process.stderr.write(`no check ${unknown.join(', ')}; known: ${checks.map(check => check.name).join(', ')}\n`)
  process.exitCode = 2
} else {
  const chosen = checks.filter(check => names.length === 0 || names.includes(check.name))
  const { failed } = await runChecks(root, chosen, line => process.stdout.write(`${line}\n`))
  process.exitCode = failed > 0 ? 1 : 0
}

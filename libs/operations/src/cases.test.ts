import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { operationNamed, parseShell, planShell } from './index.ts'

/** One recorded run: what was asked, what was spawned, what the real program wrote, what it means. */
type Case = {
  name: string
  operation: string
  input: unknown
  command: readonly string[]
  stdout: string
  code?: number
  stderr?: string
  output?: unknown
  failure?: unknown
}

const folder = join(import.meta.dirname, 'cases')
const cases = readdirSync(folder).flatMap(file => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case[])

describe('recorded outputs of real programs', () => {
  test.each(cases)('$operation: $name', one => {
    const operation = operationNamed(one.operation)
    if (!operation) throw new Error(`no operation ${one.operation}`)
    expect(operation.checkInput(one.input)).toEqual([])
    // A script beside an input of its own is an argument; it is not repeated here.
    expect(planShell(operation, one.input).argv.map(word => (word.includes('\n') ? '...' : word))).toEqual(one.command)
    const { stdout, stderr = '', code = 0 } = one
    const result = parseShell(operation, one.input, { stdout, stderr, code, truncated: false })
    if (one.failure) expect(result).toMatchObject({ ok: false, failure: one.failure })
    else expect(result).toEqual({ ok: true, value: one.output })
  })

  test('every operation has one', async () => {
    const { catalogue } = await import('./catalogue.ts')
    const covered = new Set(cases.map(one => one.operation))
    expect(catalogue.map(one => one.name).filter(name => !covered.has(name))).toEqual([])
  })
})

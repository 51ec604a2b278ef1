import { parseArgs } from 'node:util'
import { runHere } from '@re-ops/operations/testing'

const usage = `node tools/record/main.ts OPERATION [key=value | key:=json ...] [--name TEXT]

Runs an operation on this machine and prints the case for libs/operations/src/cases: what was asked, what was spawned, what the
program wrote, what that means. Read it before you keep it: an output holds what this machine is.
`

const inputOf = (words: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    words.map(word => {
      const match = /^([A-Za-z_][A-Za-z0-9_]*)(:?)=(.*)$/s.exec(word)
      if (!match) throw new Error(`\`${word}\` is not key=value or key:=json`)
      const [, key = '', json, text = ''] = match
      return [key, json === ':' ? (JSON.parse(text) as unknown) : text]
    }),
  )

const main = async (args: string[]): Promise<number> => {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { name: { type: 'string' } } })
  const [operation, ...words] = positionals
  if (operation === undefined) {
    process.stderr.write(usage)
    return 2
  }
  const input = inputOf(words)
  const { plan, left, result } = await runHere(operation, input)
  const { stdout, stderr, code } = left
  const one = {
    name: values.name ?? 'this machine',
    operation,
    input,
    command: plan.argv.map(word => (word.includes('\n') ? '...' : word)),
    stdout,
    ...(stderr === '' ? {} : { stderr }),
    ...(code === 0 ? {} : { code }),
    ...(result.ok ? { output: result.value } : { failure: result.failure }),
  }
  process.stdout.write(`${JSON.stringify(one, null, 2)}\n`)
  return 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`record: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

import type { OperationInfo } from '@re-ops/client'
import { sortOf, type Schema } from '../arguments/input.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { table } from '../render/table.ts'

const kindOf = (one: OperationInfo) => (one.reads ? 'reads' : one.idempotent ? 'idempotent' : 'changes')

export const listOperations = async (context: Context, options: { json?: boolean }): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const operations = await mote.operations()
  if (options.json === true) {
    printJson(terminal, operations)
    return 0
  }
  terminal.out(
    table(
      ['OPERATION', 'KIND', 'WHAT IT DOES'],
      operations.toSorted((a, b) => a.name.localeCompare(b.name)).map(one => [one.name, kindOf(one), one.doc]),
      { paint: terminal.paint, width: terminal.columns },
    ),
  )
  return 0
}

const example = (operation: OperationInfo): string => {
  const schema = operation.input as Schema
  const words = (schema.required ?? []).map(key => {
    const [sample] = schema.properties?.[key]?.examples ?? []
    if (typeof sample === 'string' || typeof sample === 'number') return `${key}=${sample}`
    return sample === undefined ? `${key}=...` : `${key}:='${JSON.stringify(sample)}'`
  })
  if (operation.name === 'shell') return "reops run --on '*' -- uname -r"
  return ['reops run', operation.name, ...words, "--on '*'"].join(' ')
}

export const operationText = (operation: OperationInfo, look: Parameters<typeof table>[2]): string => {
  const schema = operation.input as Schema
  const required = new Set(schema.required ?? [])
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => [
    name,
    sortOf(field),
    required.has(name) ? 'required' : '',
    field.description ?? '',
  ])
  const output = (operation.output ?? {}) as Schema
  const fields = Object.entries((output.type === 'array' ? output.items : output)?.properties ?? {})
  const gives =
    fields.length === 0 ? sortOf(output) : fields.map(([name, one]) => `${name} (${sortOf(one)})`).join(', ')
  return [
    `${look.paint.bold(operation.name)}  ${operation.doc}\n`,
    rows.length === 0 ? 'takes no input\n' : table(['INPUT', 'TYPE', '', ''], rows, look),
    `gives ${output.type === 'array' ? 'a list of: ' : ''}${gives}\n`,
    `example  ${example(operation)}\n`,
  ].join('')
}

export const showOperation = async (context: Context, name: string, options: { json?: boolean }): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const operations = await mote.operations()
  const found = operations.find(one => one.name === name)
  if (!found) throw usage(`unknown operation \`${name}\`; there are ${operations.map(one => one.name).join(', ')}`)
  if (options.json === true) printJson(terminal, found)
  else terminal.out(operationText(found, { paint: terminal.paint, width: terminal.columns }))
  return 0
}

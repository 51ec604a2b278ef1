import type { OperationInfo } from '@re-ops/client'
import { familyOf, inShort } from '@re-ops/pipelines'
import { sortOf, type Schema } from '../arguments/input.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { table } from '../render/table.ts'

const kindOf = (one: OperationInfo) =>
  `${one.reads ? 'reads' : one.idempotent ? 'idempotent' : 'changes'}${one.dry ? ', dry' : ''}`

/** By family, each named once. One without a family, or alone in it, stands among the general ones, which come first. */
const byFamily = (operations: readonly OperationInfo[]): readonly (readonly string[])[] => {
  const families = Map.groupBy(operations, one => familyOf(one.name))
  const general = [...families.values()].filter(of => of.length === 1).flat()
  const others = [...families].filter(([, of]) => of.length > 1).toSorted(([a], [b]) => a.localeCompare(b))
  return [['', general] as const, ...others].flatMap(([family, of]) =>
    of
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .map((one, at) => [at === 0 ? family : '', one.name, kindOf(one), one.doc]),
  )
}

export const listOperations = async (
  context: Context,
  word: string | undefined,
  options: { json?: boolean },
): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const all = await mote.operations()
  const found = word === undefined ? all : all.filter(one => one.name.includes(word))
  if (found.length === 0) throw usage(`no operation has \`${word}\` in its name; ${there(all, word)}`)
  if (options.json === true) {
    printJson(terminal, found)
    return 0
  }
  terminal.out(
    table(['FAMILY', 'OPERATION', 'KIND', 'WHAT IT DOES'], byFamily(found), {
      paint: terminal.paint,
      width: terminal.columns,
    }),
  )
  return 0
}

const there = (operations: readonly OperationInfo[], word?: string) =>
  `there are ${inShort(operations.map(one => one.name), word).join(', ')}` // prettier-ignore

const word = (text: string) => (/^[\w=@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** What a field of the output is: of lists and objects also what is in them, one level down. */
const shapeOf = (schema: Schema): string => {
  const of = schema.type === 'array' ? schema.items : schema
  const fields = Object.keys(of?.properties ?? {})
  if (fields.length === 0) return sortOf(schema)
  return `${schema.type === 'array' ? 'list of ' : ''}{${fields.join(', ')}}`
}

const example = (operation: OperationInfo): string => {
  const schema = operation.input as Schema
  const required = [...(schema.required ?? []), ...((schema.anyOf ?? schema.oneOf)?.[0]?.required ?? [])]
  const words = required.map(key => {
    const [sample] = schema.properties?.[key]?.examples ?? []
    if (typeof sample === 'string' || typeof sample === 'number') return word(`${key}=${sample}`)
    return sample === undefined ? `${key}=...` : `${key}:='${JSON.stringify(sample)}'`
  })
  if (operation.name === 'shell') return "reops run --on '*' -- uname -r"
  return ['reops run', operation.name, ...words, "--on '*'"].join(' ')
}

const kinds = {
  reads: 'changes nothing',
  idempotent: 'changes the host only as far as needed: twice is as once',
  changes: 'changes the host each time',
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
    fields.length === 0 ? sortOf(output) : fields.map(([name, one]) => `${name} (${shapeOf(one)})`).join(', ')
  return [
    `${look.paint.bold(operation.name)}  ${operation.doc}\n`,
    `${kinds[operation.reads ? 'reads' : operation.idempotent ? 'idempotent' : 'changes']}${operation.dry ? '; `dry=true` only says what it would change' : ''}\n`,
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
  if (!found) throw usage(`unknown operation \`${name}\`; ${there(operations, name)}`)
  if (options.json === true) printJson(terminal, found)
  else terminal.out(operationText(found, { paint: terminal.paint, width: terminal.columns }))
  return 0
}

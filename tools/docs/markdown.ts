import type { TSchema } from '@re-ops/pipelines'

/** The parts of JSON Schema that the documents show. */
type Shown = {
  type?: string
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly Shown[]
  oneOf?: readonly { required?: readonly string[] }[]
  items?: Shown
  properties?: Record<string, Shown>
  patternProperties?: Record<string, Shown>
  required?: readonly string[]
  pattern?: string
  format?: string
  description?: string
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
}

const range = (from: number | undefined, to: number | undefined, of = ''): string[] => {
  if (from === undefined && to === undefined) return []
  if (from === undefined) return [`at most ${to}${of}`]
  return [to === undefined ? `at least ${from}${of}` : `${from} to ${to}${of}`]
}

/** A schema in a few words: `text, at most 64 characters`. */
export const typeWords = (schema: Shown): string => {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum) return schema.enum.map(one => `\`${String(one)}\``).join(', ')
  if (schema.anyOf) return schema.anyOf.map(typeWords).join(' or ')
  const more = [
    ...range(schema.minimum, schema.maximum),
    ...range(schema.minItems, schema.maxItems, ' items'),
    ...range(schema.minLength, schema.maxLength, ' characters'),
    ...(schema.format ? [schema.format] : []),
    ...(schema.pattern ? [`\`${schema.pattern}\``] : []),
  ]
  const base =
    schema.type === 'array' && schema.items
      ? `list of ${schema.items.type === 'object' ? 'objects' : typeWords(schema.items)}`
      : schema.patternProperties
        ? 'names with values'
        : (schema.type ?? 'any JSON')
  return [base, ...more].join(', ')
}

const cell = (text: string) => text.replace(/\|/g, '\\|').replace(/\n/g, ' ')

type Row = { path: string; needed: boolean; type: string; text: string }

const rowsOf = (schema: Shown, path: string): Row[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = path === '' ? name : `${path}.${name}`
    const inner = field.properties ? field : field.items?.properties ? field.items : undefined
    const type = typeWords(field)
    const row = { path: here, needed: schema.required?.includes(name) ?? false, type, text: field.description ?? '' }
    return [row, ...(inner ? rowsOf(inner, field.items ? `${here}[]` : here) : [])]
  })

/** The fields of an object as a table, those of objects inside it with their path; words for anything else. */
export const fieldTable = (schema: TSchema): string => {
  const shown = schema as Shown
  const list = shown.type === 'array' && shown.items?.properties
  const rows = rowsOf(list ? (shown.items ?? {}) : shown, list ? '[]' : '')
  if (rows.length === 0) return shown.type === 'object' ? 'Nothing.' : `${typeWords(shown)}.`
  const one = (shown.oneOf ?? []).flatMap(part => part.required ?? [])
  return [
    '| field | type | |',
    '|---|---|---|',
    ...rows.map(
      row =>
        `| \`${row.path}\`${row.needed || one.includes(row.path) ? '' : '?'} | ${cell(row.type)} | ${cell(row.text)} |`,
    ),
    ...(one.length > 0 ? ['', `Exactly one of ${one.map(name => `\`${name}\``).join(', ')}.`] : []),
  ].join('\n')
}

/** A table of texts. */
export const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')

import { usage } from '../fault.ts'

/** As much of JSON Schema as operations' inputs use. */
export type Schema = {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
}

export type Assignment = { readonly key: string; readonly text: string; readonly json: boolean }

/** `key=value` or `key:=json`. */
export const assignment = (word: string): Assignment => {
  const match = /^([A-Za-z_][A-Za-z0-9_.-]*)(:?=)(.*)$/s.exec(word)
  if (!match) throw usage(`\`${word}\` is not key=value or key:=json`)
  return { key: match[1] as string, text: match[3] as string, json: match[2] === ':=' }
}

/** One word for a person: `number`, `list of text`, `"cpu" or "memory"`. */
export const sortOf = (schema: Schema): string => {
  const choices = schema.anyOf ?? schema.oneOf
  if (choices && schema.properties === undefined) return choices.map(sortOf).join(' or ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map(one => JSON.stringify(one)).join(' or ')
  switch (schema.type) {
    case 'string':
      return 'text'
    case 'integer':
      return 'whole number'
    case 'number':
      return 'number'
    case 'boolean':
      return 'true or false'
    case 'array':
      return `list of ${sortOf(schema.items ?? {})}`
    case 'object':
      return 'object'
    default:
      return 'any value'
  }
}

type Read = { ok: true; value: unknown } | { ok: false }
const no: Read = { ok: false }

const number = (text: string, pattern: RegExp): Read => (pattern.test(text) ? { ok: true, value: Number(text) } : no)

/** Text as the schema's type: numbers and booleans as such, lists from commas. */
const read = (text: string, schema: Schema): Read => {
  const choices = schema.anyOf ?? schema.oneOf
  if (choices && schema.properties === undefined)
    return choices.map(choice => read(text, choice)).find(one => one.ok) ?? no
  if (schema.const !== undefined || schema.enum) {
    const match = (schema.enum ?? [schema.const]).find(one => String(one) === text)
    return match === undefined ? no : { ok: true, value: match }
  }
  switch (schema.type) {
    case 'string':
      return { ok: true, value: text }
    case 'integer':
      return number(text, /^-?\d{1,15}$/)
    case 'number':
      return number(text, /^-?\d{1,15}(\.\d+)?(e[+-]?\d{1,3})?$/i)
    case 'boolean':
      return text === 'true' || text === 'false' ? { ok: true, value: text === 'true' } : no
    case 'null':
      return text === 'null' ? { ok: true, value: null } : no
    case 'array': {
      const items = text === '' ? [] : text.split(',').map(one => read(one, schema.items ?? {}))
      return items.every(one => one.ok) ? { ok: true, value: items.map(one => one.value) } : no
    }
    case 'object':
      return no
    default:
      return { ok: true, value: text }
  }
}

const allowed = (schema: Schema): string => {
  const names = Object.entries(schema.properties ?? {}).map(([name, one]) => `${name} (${sortOf(one)})`)
  return names.length === 0 ? 'it takes no input' : `allowed: ${names.join(', ')}`
}

const quoted = (names: readonly string[], between: string): string => names.map(name => `\`${name}\``).join(between)

/** The operation's input from the words behind its name. Throws Fault 2, naming what is allowed. */
export const inputOf = (operation: string, schema: Schema, words: readonly string[]): Record<string, unknown> => {
  const input: Record<string, unknown> = {}
  for (const { key, text, json } of words.map(assignment)) {
    const field = schema.properties?.[key]
    const open = schema.properties === undefined || schema.additionalProperties === true
    if (!field && !open) throw usage(`${operation} has no input \`${key}\`; ${allowed(schema)}`)
    if (Object.hasOwn(input, key)) throw usage(`input \`${key}\` of ${operation} is given twice`)
    input[key] = json ? jsonOf(operation, key, text) : typed(operation, key, text, field ?? {})
  }
  const missing = (schema.required ?? []).filter(key => !Object.hasOwn(input, key))
  const sets = (schema.anyOf ?? []).map(one => one.required ?? [])
  const isMet = sets.length === 0 || sets.some(set => set.every(key => Object.hasOwn(input, key)))
  const needs = [
    ...(missing.length > 0 ? [quoted(missing, ', ')] : []),
    ...(isMet ? [] : [sets.map(set => quoted(set, ' and ')).join(' or ')]),
  ]
  if (needs.length > 0) throw usage(`${operation} needs input ${needs.join(', and ')}; ${allowed(schema)}`)
  return input
}

const jsonOf = (operation: string, key: string, text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw usage(`input \`${key}\` of ${operation}: what stands behind := is not JSON; for plain text write ${key}=...`)
  }
}

const typed = (operation: string, key: string, text: string, schema: Schema): unknown => {
  const found = read(text, schema)
  if (found.ok) return found.value
  const hint = schema.type === 'object' ? `, as JSON: ${key}:='{...}'` : ''
  throw usage(`input \`${key}\` of ${operation} must be ${sortOf(schema)}${hint}; got \`${text.slice(0, 80)}\``)
}

import { readFileSync } from 'node:fs'
import type { Static, TObject, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { allowed } from './allowed.ts'
import { isReference } from './is-reference.ts'
import { redactText } from './redact.ts'

/** What a field's schema may say beside its type. `redact`: the value itself is given, but never shown. */
export type FieldOptions = { readonly env?: string; readonly secret?: boolean; readonly redact?: boolean }
type Field = TSchema & FieldOptions & { type?: string; default?: unknown; items?: Field; anyOf?: Field[] }
export type Environment = Readonly<Record<string, string | undefined>>

/** One line per wrong field: where it came from, what it was, what is allowed. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[] | string) {
    const lines = typeof problems === 'string' ? [problems] : problems
    super(lines.join('\n'))
    this.problems = lines
  }
}

export type ConfigSources = {
  readonly environment: Environment
  /** A JSON file of fields by their own names; must exist when named. */
  readonly file?: string | undefined
  /** Other variable names for a field's variable: {OLD_NAME: 'NEW_NAME'}. The field's own name wins. */
  readonly aliases?: Readonly<Record<string, string>>
}

const readFields = (path: string): Record<string, unknown> => {
  const fail = (why: string): never => {
    throw new ConfigError([`config file ${path}: ${why}; a JSON object of fields is allowed`])
  }
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : fail('is not an object')
  } catch (error) {
    if (error instanceof ConfigError) throw error
    return fail(
      error instanceof SyntaxError ? 'is not JSON' : ((error as NodeJS.ErrnoException).code ?? 'cannot be read'),
    )
  }
}

const wantsType = (field: Field, type: string): boolean =>
  field.type === type || (field.anyOf?.some(option => wantsType(option, type)) ?? false)

/** A variable's text as the field's type; what cannot be converted stays text, so that the check can name it. */
const convert = (field: Field, text: string): unknown => {
  if (wantsType(field, 'integer') || wantsType(field, 'number')) {
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
  }
  if (wantsType(field, 'boolean'))
    return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text
  if (wantsType(field, 'array')) return text.split(',').map(item => convert(field.items ?? {}, item.trim()))
  return text
}

type Found = { readonly value: unknown; readonly where: string }

const find = (name: string, field: Field, sources: ConfigSources, file: Record<string, unknown>): Found | undefined => {
  const variables = field.env
    ? [field.env, ...Object.keys(sources.aliases ?? {}).filter(alias => sources.aliases?.[alias] === field.env)]
    : []
  const variable = variables.find(v => sources.environment[v] !== undefined && sources.environment[v] !== '')
  if (variable) return { value: convert(field, sources.environment[variable] as string), where: variable }
  if (Object.hasOwn(file, name)) return { value: file[name], where: `${sources.file ?? 'config file'}: ${name}` }
  if (field.default !== undefined) return { value: field.default, where: `default of ${name}` }
  return undefined
}

const problemOf = (field: Field, found: Found): string | undefined => {
  if (field.secret) {
    return isReference(found.value)
      ? undefined
      : `${found.where}: must be a reference: secret:name, file:path or env:NAME`
  }
  if (Compile(field).Check(found.value)) return undefined
  const shown = field.redact ? '' : `=${redactText(JSON.stringify(found.value) ?? '').slice(0, 200)}`
  return `${found.where}${shown}: must be ${allowed(field)}`
}

/** Environment over file over defaults, checked against one schema. Throws ConfigError with every wrong field. */
export const loadConfig = <S extends TObject>(schema: S, sources: ConfigSources): Static<S> => {
  const fields = schema.properties as unknown as Record<string, Field>
  const required = new Set<string>((schema as { required?: string[] }).required ?? [])
  const file = sources.file ? readFields(sources.file) : {}
  const problems = Object.keys(file)
    .filter(name => !Object.hasOwn(fields, name))
    .map(name => `${sources.file}: ${name}: unknown field; allowed are ${Object.keys(fields).join(', ')}`)
  const config: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const found = find(name, field, sources, file)
    const problem = found
      ? problemOf(field, found)
      : required.has(name)
        ? `${field.env ?? name} is not set: must be ${field.secret ? 'a reference' : allowed(field)}`
        : undefined
    if (problem) problems.push(problem)
    else if (found) config[name] = found.value
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config as Static<S>
}

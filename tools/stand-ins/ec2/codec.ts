import * as ec2 from '@aws-sdk/client-ec2'
import { NormalizedSchema } from '@smithy/core/schema'

type Tree = { text?: string; readonly parts: Map<string, Tree> }
export type Values = Record<string, unknown>

/** `A.1.B=x` as a tree of its parts. */
const treeOf = (form: URLSearchParams): Tree => {
  const root: Tree = { parts: new Map() }
  for (const [key, text] of form) {
    let at = root
    for (const part of key.split('.')) {
      const next = at.parts.get(part) ?? { parts: new Map<string, Tree>() }
      at.parts.set(part, next)
      at = next
    }
    at.text = text
  }
  return root
}

/** The word of a member on the wire of a request, as the EC2 query protocol has it. */
const queryName = (member: NormalizedSchema, name: string): string => {
  const { ec2QueryName, xmlName } = member.getMergedTraits()
  if (typeof ec2QueryName === 'string') return ec2QueryName
  const plain = typeof xmlName === 'string' ? xmlName : name
  return plain.charAt(0).toUpperCase() + plain.slice(1)
}

const read = (schema: NormalizedSchema, tree: Tree): unknown => {
  if (schema.isStructSchema()) {
    const found: Values = {}
    for (const [name, member] of schema.structIterator()) {
      const part = tree.parts.get(queryName(member, name))
      if (part !== undefined) found[name] = read(member, part)
    }
    return found
  }
  if (schema.isListSchema())
    return [...tree.parts]
      .toSorted(([a], [b]) => Number(a) - Number(b))
      .map(([, part]) => read(schema.getValueSchema(), part))
  const { text = '' } = tree
  if (schema.isBooleanSchema()) return text === 'true'
  if (schema.isNumericSchema()) return Number(text)
  return schema.isTimestampSchema() ? new Date(text) : text
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
export const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, sign => escapes[sign] ?? sign)

const element = (name: string, inner: string): string => `<${name}>${inner}</${name}>`

const write = (schema: NormalizedSchema, value: unknown): string => {
  if (schema.isStructSchema())
    return [...schema.structIterator()]
      .flatMap(([name, member]) => {
        const one = (value as Values)[name]
        const { xmlName } = member.getMemberTraits()
        return one === undefined || one === null
          ? []
          : [element(typeof xmlName === 'string' ? xmlName : name, write(member, one))]
      })
      .join('')
  if (schema.isListSchema()) {
    const member = schema.getValueSchema()
    const { xmlName } = member.getMergedTraits()
    return (value as unknown[])
      .map(one => element(typeof xmlName === 'string' ? xmlName : 'item', write(member, one)))
      .join('')
  }
  return escaped(value instanceof Date ? value.toISOString() : String(value))
}

/** What the SDK itself says of an action's input and output; null when there is no such action. */
const schemasOf = (action: string): { input: NormalizedSchema; output: NormalizedSchema } | null => {
  const operation = (ec2 as unknown as Record<string, unknown>)[`${action}$`]
  if (!Array.isArray(operation) || operation[0] !== 9) return null
  const [input, output] = [operation[4], operation[5]] as [() => never, () => never]
  return { input: NormalizedSchema.of(input), output: NormalizedSchema.of(output) }
}

/** A request's body as the values that the SDK was given. */
export const decode = (form: URLSearchParams): { action: string; input: Values } | null => {
  const action = form.get('Action') ?? ''
  const schemas = schemasOf(action)
  return schemas === null ? null : { action, input: read(schemas.input, treeOf(form)) as Values }
}

/** Values as the XML of which the SDK makes the same values again. */
export const encode = (action: string, output: Values, requestId: string): string => {
  const schemas = schemasOf(action)
  const inner =
    schemas === null || schemas.output.isUnitSchema() ? element('return', 'true') : write(schemas.output, output)
  return `<?xml version="1.0" encoding="UTF-8"?><${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${element('requestId', requestId)}${inner}</${action}Response>`
}

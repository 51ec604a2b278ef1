import type { TSchema } from 'typebox'

type Shape = TSchema & {
  type?: string
  enum?: readonly unknown[]
  const?: unknown
  anyOf?: Shape[]
  items?: Shape
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
  description?: string
}

const range = (low: number | undefined, high: number | undefined, what: string): string =>
  low !== undefined && high !== undefined
    ? ` ${low} to ${high}${what}`
    : low !== undefined
      ? ` of at least ${low}${what}`
      : high !== undefined
        ? ` of at most ${high}${what}`
        : ''

/** What a schema allows, in words, for the end of an error line: `an integer 0 to 65535`. */
export const allowed = (schema: TSchema): string => {
  const s = schema as Shape
  if (s.enum) return `one of ${s.enum.join(', ')}`
  if (s.const !== undefined) return JSON.stringify(s.const)
  if (s.anyOf) return s.anyOf.map(allowed).join(' or ')
  if (s.type === 'integer' || s.type === 'number') {
    return `${s.type === 'integer' ? 'an integer' : 'a number'}${range(s.minimum, s.maximum, '')}`
  }
  if (s.type === 'boolean') return 'true or false'
  if (s.type === 'array') return `a list, each ${s.items ? allowed(s.items) : 'anything'}`
  if (s.type === 'string') {
    if (s.description) return s.description
    const shape = s.pattern ? ` matching ${s.pattern}` : s.format ? ` in the form ${s.format}` : ''
    return `a text${range(s.minLength, s.maxLength, ' characters')}${shape}`
  }
  return s.type === 'object' ? 'an object' : (s.type ?? 'a fitting value')
}

import { Type } from 'typebox'

export const labelKeyPattern = '^[A-Za-z][A-Za-z0-9_./-]{0,62}$'
export const labelsMax = 64
export const Name = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
  description: 'letters, digits, dot, dash and underscore; at most 63 characters',
  examples: ['web-1'],
})
export const RegionName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', examples: ['eu-central-1'] })
export const ZoneName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', examples: ['eu-central-1a'] })
export const Labels = Type.Record(Type.String({ pattern: labelKeyPattern }), Type.String({ maxLength: 256 }), {
  description: 'key=value pairs that selectors match',
  additionalProperties: false, // without it a key that does not match the pattern is let through
  maxProperties: labelsMax,
})
export type Labels = Record<string, string>

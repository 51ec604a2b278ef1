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
/** Of what stands beside machines: names that all providers take. */
export const ExtraName = Type.String({
  pattern: '^[a-z][a-z0-9-]{0,61}[a-z0-9]$',
  description: 'lower case letters, digits and dashes; 2 to 63 characters',
})
/** Of a host or a machine; more of them are left out. */
export const hostAddressesMax = 16
export const IpAddress = Type.String({ pattern: '^[0-9a-fA-F:.]{2,45}$', examples: ['10.0.0.7'] })
export const Labels = Type.Record(Type.String({ pattern: labelKeyPattern }), Type.String({ maxLength: 256 }), {
  description: 'key=value pairs that selectors match',
  additionalProperties: false, // without it a key that does not match the pattern is let through
  maxProperties: labelsMax,
})
export type Labels = Record<string, string>

export const LabelChanges = Type.Record(
  Type.String({ pattern: labelKeyPattern }),
  Type.Union([Type.String({ maxLength: 256 }), Type.Null()]),
  {
    description: 'only those named change; null takes a label away',
    examples: [{ role: 'web', old: null }],
    additionalProperties: false,
    maxProperties: labelsMax,
  },
)
export type LabelChanges = Record<string, string | null>
/** The labels with what is asked set, and taken away where it is null. */
export const relabelled = (labels: Labels, asked: Readonly<LabelChanges>): Labels =>
  Object.fromEntries(
    Object.entries({ ...labels, ...asked }).filter((label): label is [string, string] => label[1] !== null),
  )

import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'
import { TransportName } from './outcome.ts'

export const labelKeyPattern = '^[A-Za-z][A-Za-z0-9_./-]{0,62}$'
export const labelsMax = 64
export const Name = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
  description: 'letters, digits, dot, dash and underscore; at most 63 characters',
  examples: ['web-1'],
})
export const Labels = Type.Record(Type.String({ pattern: labelKeyPattern }), Type.String({ maxLength: 256 }), {
  description: 'key=value pairs that selectors match',
  additionalProperties: false, // without it a key that does not match the pattern is let through
  maxProperties: labelsMax,
})
export type Labels = Record<string, string>

/** Body of `PATCH /v1/hosts/:id`: another name, labels to set, and with null labels to take away. */
export const ChangeHost = Type.Object(
  {
    name: Type.Optional(Name),
    labels: Type.Optional(
      Type.Record(
        Type.String({ pattern: labelKeyPattern }),
        Type.Union([Type.String({ maxLength: 256 }), Type.Null()]),
        {
          description: 'only those named change; null takes a label away',
          examples: [{ role: 'web', old: null }],
          additionalProperties: false,
          maxProperties: labelsMax,
        },
      ),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type ChangeHost = { name?: string; labels?: Record<string, string | null> }

export const HostState = Type.Enum(['enrolled', 'quarantined', 'revoked'])
export type HostState = Static<typeof HostState>

/** An address we can reach. Not a VM record: each enrolment is a new host id; label `system` is stable. */
export const Host = Type.Object({
  id: Id,
  name: Name,
  labels: Labels,
  online: Type.Boolean({ description: 'a session is live now' }),
  transport: TransportName,
  state: HostState,
  pid: Type.Union([Type.Integer(), Type.Null()], { description: "the agent's process id on the host" }),
  version: Type.Union([Type.String(), Type.Null()], { description: "the agent's version" }),
  facts: Type.Record(Type.String(), Type.Unknown(), { description: 'what the last `facts` run and custom facts said' }),
  factsAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description: 'when facts came last' }),
  system: Type.Union([Id, Type.Null()]),
  generation: Type.Union([Type.Integer(), Type.Null()]),
  enrolledAt: Type.String({ format: 'date-time' }),
  seenAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
})
export type Host = Static<typeof Host>

import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'
import { ChangePolicy } from './drift.ts'
import { ExtraName, LabelChanges, Labels, Name } from './names.ts'
import { PhaseSpan, SystemSpec } from './system.ts'

export const verbs = [
  'create',
  'start',
  'stop',
  'reboot',
  'resize',
  'rename',
  'label',
  'snapshot',
  'attach',
  'detach',
  'policy',
  'import',
  'forget',
  'protect',
  'unprotect',
  'reload',
  'destroy',
] as const
export const Verb = Type.Enum(verbs)
export type Verb = Static<typeof Verb>

/** `uncertain`: it was sent once and nothing tells whether it was done; it is not sent again unless a person asks. */
export const JobState = Type.Enum(['queued', 'running', 'waiting', 'done', 'failed', 'uncertain', 'cancelled'])
export type JobState = Static<typeof JobState>

/** What a verb was asked with; kept with its job, so that it can be asked again. */
export const VerbInput = Type.Object(
  {
    force: Type.Optional(Type.Boolean({ description: 'stop, reboot: without asking the guest' })),
    forceAfterSeconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 86_400, description: 'stop: from then on without asking the guest' }),
    ),
    size: Type.Optional(SystemSpec.properties.size),
    name: Type.Optional(Name),
    labels: Type.Optional(Labels),
    keepVolumes: Type.Optional(Type.Boolean({ description: 'destroy: volumes that were made with it stay' })),
    snapshot: Type.Optional(Id),
    volume: Type.Optional(ExtraName),
    image: Type.Optional(SystemSpec.properties.image),
    policy: Type.Optional(ChangePolicy),
  },
  { additionalProperties: false },
)
export type VerbInput = Static<typeof VerbInput>

/** Bodies of `POST /v1/systems/:system/<verb>`. */
export const StopSystem = Type.Object(
  { force: VerbInput.properties.force, forceAfterSeconds: VerbInput.properties.forceAfterSeconds },
  { additionalProperties: false },
)
export type StopSystem = Static<typeof StopSystem>
export const RebootSystem = Type.Object({ force: VerbInput.properties.force }, { additionalProperties: false })
export type RebootSystem = Static<typeof RebootSystem>
export const ResizeSystem = Type.Object(
  { size: SystemSpec.properties.size, ...StopSystem.properties },
  { additionalProperties: false },
)
export type ResizeSystem = Static<typeof ResizeSystem>

/** Query of `DELETE /v1/systems/:system`. */
export const DestroySystem = Type.Object(
  { keepVolumes: VerbInput.properties.keepVolumes },
  { additionalProperties: false },
)
export type DestroySystem = Static<typeof DestroySystem>

/**
 * Body of `PATCH /v1/systems/:system`: another name, or labels (only those named change, null takes one away), or what
 * is done by itself.
 */
export const ChangeSystem = Type.Object(
  { name: Type.Optional(Name), labels: Type.Optional(LabelChanges), policy: Type.Optional(ChangePolicy) },
  { additionalProperties: false, minProperties: 1, maxProperties: 1 },
)
export type ChangeSystem = Static<typeof ChangeSystem>

/** One verb asked of one system. pg-boss messages only wake it and are never shown. */
export const Job = Type.Object({
  id: Id,
  system: Id,
  name: Type.String({ description: "the system's name" }),
  verb: Verb,
  input: VerbInput,
  state: JobState,
  error: Type.Union([Type.String(), Type.Null()]),
  phases: Type.Array(PhaseSpan),
  createdAt: Type.String({ format: 'date-time' }),
  finishedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
})
export type Job = Static<typeof Job>

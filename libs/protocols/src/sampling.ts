import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'

/** Limits of sampling by agents, stated once. */
export const sampleLimits = {
  schedulesPerAgentMax: 64,
  everyMsMin: 1_000,
  everyMsMax: 86_400_000,
  perMessageMax: 200,
  messageBytesMax: 262_144,
  /** Of one sample, as JSON. */
  valueBytesMax: 32_768,
  /** What an agent keeps of samples that nobody has taken yet; then the oldest go. */
  ringBytesMax: 8_388_608,
} as const

/** The last moment that a Date can hold, ms since 1970. */
const dateMsMax = 8_640_000_000_000_000

/** Names a list of schedules; two agents with the same list have the same. */
export const SchedulesHash = Type.String({ pattern: '^[0-9a-f]{16}$' })

/** An operation that an agent does every so often by itself. */
export const AgentSchedule = Type.Object({
  id: Id,
  operation: Type.String({ maxLength: 128 }),
  input: Type.Unknown(),
  everyMs: Type.Integer({ minimum: sampleLimits.everyMsMin, maximum: sampleLimits.everyMsMax }),
  timeoutMs: Type.Integer({ minimum: 1, maximum: sampleLimits.everyMsMax }),
})
export type AgentSchedule = Static<typeof AgentSchedule>

/** One reading. `seq` counts all of an agent's series, `n` those of the schedule: where it jumps, the ring was full. */
export const Sample = Type.Object({
  schedule: Id,
  seq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  n: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  at: Type.Integer({ minimum: 0, maximum: dateMsMax, description: "the host's clock, ms since 1970" }),
  ms: Type.Number({ minimum: 0 }),
  value: Type.Optional(Type.Unknown()),
  failure: Type.Optional(Type.String({ maxLength: 512, description: 'kind and message, when there is no value' })),
})
export type Sample = Static<typeof Sample>

import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'
import { HostRef } from './outcome.ts'
import { sampleLimits } from './sampling.ts'
import { SavedName } from './saved-selector.ts'

const EveryMs = Type.Integer({
  minimum: sampleLimits.everyMsMin,
  maximum: sampleLimits.everyMsMax,
  description: 'from one start to the next',
  examples: [10_000],
})
const TimeoutMs = Type.Integer({ minimum: 1, maximum: sampleLimits.everyMsMax, description: 'of each; default 10 s' })
const KeepMs = Type.Integer({
  minimum: 60_000,
  maximum: 31_536_000_000,
  description: 'samples older than this are removed; default 7 days',
})

/** Body of `POST /v1/agent-schedules`: an operation that only reads, done by the agents of hosts, online or not. */
export const CreateAgentSchedule = Type.Object(
  {
    name: SavedName,
    on: Type.String({
      minLength: 1,
      maxLength: 4096,
      description: 'selector; hosts that fit later are taken up within a minute',
    }),
    operation: Type.String({ minLength: 1, maxLength: 128, examples: ['memory'] }),
    input: Type.Optional(Type.Unknown()),
    everyMs: EveryMs,
    timeoutMs: Type.Optional(TimeoutMs),
    keepMs: Type.Optional(KeepMs),
  },
  { additionalProperties: false },
)
export type CreateAgentSchedule = Static<typeof CreateAgentSchedule>

export const AgentScheduleInfo = Type.Object({
  id: Id,
  name: SavedName,
  on: Type.String(),
  operation: Type.String(),
  input: Type.Unknown(),
  everyMs: EveryMs,
  timeoutMs: TimeoutMs,
  keepMs: KeepMs,
  createdBy: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
  hosts: Type.Array(
    Type.Object({
      host: HostRef,
      samples: Type.Integer({ description: 'that are kept' }),
      lastAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
      dropped: Type.Integer({ description: 'that a full ring lost before they could be delivered' }),
    }),
  ),
})
export type AgentScheduleInfo = Static<typeof AgentScheduleInfo>

/** A sample that was delivered. */
export const KeptSample = Type.Object({
  host: HostRef,
  n: Type.Integer(),
  at: Type.String({ format: 'date-time' }),
  ms: Type.Number(),
  value: Type.Optional(Type.Unknown()),
  failure: Type.Optional(Type.String()),
})
export type KeptSample = Static<typeof KeptSample>

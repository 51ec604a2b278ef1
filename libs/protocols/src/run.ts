import { Type, type Static } from 'typebox'
import { Failure, failureKinds, HostRef } from './outcome.ts'
import { Id } from './ids.ts'

/** A pipeline as it travels and is stored: data only. Callbacks (`map`, `pick`) are not part of it. */
export const StepData = Type.Cyclic(
  {
    Step: Type.Union([
      Type.Object(
        {
          kind: Type.Literal('call'),
          operation: Type.String({ minLength: 1, maxLength: 128 }),
          input: Type.Optional(Type.Unknown()),
          timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000 })),
        },
        { additionalProperties: false },
      ),
      Type.Object(
        { kind: Type.Literal('sequence'), steps: Type.Array(Type.Ref('Step'), { minItems: 1, maxItems: 64 }) },
        { additionalProperties: false },
      ),
      Type.Object(
        {
          kind: Type.Literal('recover'),
          step: Type.Ref('Step'),
          fallback: Type.Ref('Step'),
          on: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 8 })),
        },
        { additionalProperties: false },
      ),
      Type.Object(
        {
          kind: Type.Literal('retry'),
          step: Type.Ref('Step'),
          times: Type.Integer({ minimum: 1, maximum: 10 }),
          on: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 8 })),
        },
        { additionalProperties: false },
      ),
      Type.Object({ kind: Type.Literal('gather') }, { additionalProperties: false }),
    ]),
  },
  'Step',
)
export type StepData =
  | { kind: 'call'; operation: string; input?: unknown; timeoutMs?: number }
  | { kind: 'sequence'; steps: StepData[] }
  | { kind: 'recover'; step: StepData; fallback: StepData; on?: string[] }
  | { kind: 'retry'; step: StepData; times: number; on?: string[] }
  | { kind: 'gather' }

/** Body of `POST /v1/runs`. */
export const CreateRun = Type.Object(
  {
    on: Type.String({
      minLength: 1,
      maxLength: 4096,
      description: 'selector',
      examples: ['role=web and not env=prod'],
    }),
    pipeline: Type.Unknown({
      description: 'a step as data: {"kind":"call","operation":"disk"}, or a sequence, recover, retry, gather of steps',
      examples: [{ kind: 'call', operation: 'uptime' }],
    }),
    timeoutMs: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 86_400_000, description: 'of each call, unless its step says otherwise' }),
    ),
    waitOnline: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400_000,
        description: 'ms from the start of the run in which hosts without a session are waited for; default 0',
      }),
    ),
    allowNone: Type.Optional(Type.Boolean({ description: 'a selector that matches nothing is not an error' })),
  },
  { additionalProperties: false },
)
export type CreateRun = Static<typeof CreateRun>

/** How a target ends: `ok`, or the kind of its failure. */
export const terminalStates = ['ok', ...failureKinds] as const
export const TargetState = Type.Enum(['queued', 'running', ...terminalStates])
export type TargetState = Static<typeof TargetState>

/** One host of a run, ending in exactly one terminal state. */
export const Target = Type.Object({
  host: HostRef,
  state: TargetState,
  step: Type.Union([Type.String(), Type.Null()], { description: 'the step it is in, or ended in' }),
  ms: Type.Union([Type.Number(), Type.Null()], { description: 'from the start of the run; null while it lasts' }),
  value: Type.Optional(Type.Unknown()),
  failure: Type.Optional(Failure),
})
export type Target = Static<typeof Target>

export const RunSummary = Type.Object({
  run: Id,
  expected: Type.Integer(),
  ok: Type.Integer(),
  failed: Type.Integer(),
  failures: Type.Record(Type.String(), Type.Integer()),
})
export type RunSummary = Static<typeof RunSummary>

/** One execution of a pipeline, stored. */
export const Run = Type.Object({
  id: Id,
  on: Type.String(),
  pipeline: Type.Unknown(),
  state: Type.Enum(['running', 'done']),
  createdAt: Type.String({ format: 'date-time' }),
  finishedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  createdBy: Type.String(),
  summary: RunSummary,
  targets: Type.Optional(Type.Array(Target)),
})
export type Run = Static<typeof Run>

/** Events of `GET /v1/runs/:id/events` (SSE): `target` for each that ends, then one `done`. */
export type RunEvent = { event: 'target'; data: Target } | { event: 'done'; data: RunSummary }

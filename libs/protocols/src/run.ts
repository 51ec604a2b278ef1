import { Type, type Static } from 'typebox'
import { Failure, failureKinds, HostRef, TransportName } from './outcome.ts'
import { Id } from './ids.ts'
import { ModuleHash } from './module.ts'
import { runControlFields, runControlShown } from './run-control.ts'

const At = Type.String({ minLength: 1, maxLength: 256, description: 'where in the module: `slow/steps/1`' })
/** Where the code of a callback is: in a live module, at the place it has in a pipeline that the module exports. */
export const CodeRef = Type.Object({ module: ModuleHash, at: At }, { additionalProperties: false })
export type CodeRef = Static<typeof CodeRef>

/** A pipeline as it travels and is stored: data only. Callbacks (`map`, `pick`) are named, by the module they are in. */
export const StepData = Type.Cyclic(
  {
    Step: Type.Union([
      Type.Object(
        {
          kind: Type.Literal('call'),
          operation: Type.String({ minLength: 1, maxLength: 128 }),
          module: Type.Optional(ModuleHash),
          input: Type.Optional(Type.Unknown()),
          with: Type.Optional(CodeRef),
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
      Type.Object(
        { kind: Type.Enum(['map', 'pick', 'tap']), module: ModuleHash, at: At },
        { additionalProperties: false },
      ),
      Type.Object(
        { kind: Type.Literal('via'), transport: TransportName, step: Type.Ref('Step') },
        { additionalProperties: false },
      ),
    ]),
  },
  'Step',
)
export type StepData =
  | { kind: 'call'; operation: string; module?: string; input?: unknown; with?: CodeRef; timeoutMs?: number }
  | { kind: 'map' | 'pick' | 'tap'; module: string; at: string }
  | { kind: 'sequence'; steps: StepData[] }
  | { kind: 'recover'; step: StepData; fallback: StepData; on?: string[] }
  | { kind: 'retry'; step: StepData; times: number; on?: string[] }
  | { kind: 'gather' }
  | { kind: 'via'; transport: TransportName; step: StepData }

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
      description:
        'a step as data: {"kind":"call","operation":"disk"}, or a sequence, recover, retry, gather, via, map, pick, tap of steps',
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
    ...runControlFields,
    dryRun: Type.Optional(
      Type.Boolean({
        description:
          'operations only say what they would change; those that cannot are rejected, nothing is sent for them',
      }),
    ),
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
  late: Type.Optional(
    Type.Object(
      {
        at: Type.String({ format: 'date-time' }),
        ok: Type.Boolean(),
        value: Type.Optional(Type.Unknown()),
        failure: Type.Optional(Failure),
      },
      { description: 'what its last call gave after it had ended in another way; the end stays' },
    ),
  ),
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
  modules: Type.Optional(Type.Array(ModuleHash, { description: 'live modules whose code it runs; absent: none' })),
  ...runControlShown,
  summary: RunSummary,
  targets: Type.Optional(Type.Array(Target)),
})
export type Run = Static<typeof Run>

/** `GET /v1/runs/:id/missing`: what the hosts have said so far against what was expected. */
export const RunMissing = Type.Object({
  run: Id,
  expected: Type.Integer(),
  got: Type.Integer({ description: 'targets whose host answered, if only with a failure' }),
  missing: Type.Array(
    Type.Object({
      host: HostRef,
      state: TargetState,
      why: Type.String({ description: 'what it waits for, or why it will not come' }),
    }),
    { description: 'the others by name, as many as were asked for' },
  ),
})
export type RunMissing = Static<typeof RunMissing>

const Counts = Type.Record(Type.String(), Type.Integer())
/** By the name of the function: a number, counts of distinct values, buckets of numbers, or hosts with their number. */
const FieldSummaries = Type.Record(
  Type.String({ description: 'field' }),
  Type.Record(Type.String({ description: 'function' }), Type.Unknown()),
)
const GroupSummary = Type.Object({ ok: Type.Integer(), fields: FieldSummaries })
/** Results of a run taken together, so far or whole. With `by` there are groups instead of fields. */
export const RunAggregate = Type.Object({
  run: Id,
  state: Type.Enum(['running', 'done']),
  expected: Type.Integer(),
  ok: Type.Integer(),
  failures: Counts,
  fields: Type.Optional(FieldSummaries),
  by: Type.Optional(Type.String()),
  groups: Type.Optional(
    Type.Array(Type.Object({ key: Type.String(), ok: Type.Integer(), fields: FieldSummaries }), {
      description: 'the biggest first; hosts without the field are under (none)',
    }),
  ),
  others: Type.Optional(Type.Union([GroupSummary, Type.Null()], { description: 'the groups beyond 256, together' })),
})
export type RunAggregate = Static<typeof RunAggregate>

/** What to take together: `GET /v1/runs/:id/summary`, and `aggregate` events. */
export const AggregateQuery = {
  by: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'field whose values make groups', examples: ['os.id'] }),
  ),
  of: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2048,
      description: "fields and functions; without it the operation's own",
      examples: ['cpu.count:sum,mean;memory.used:p95,top3'],
    }),
  ),
}

/**
 * Events of `GET /v1/runs/:id/events` (SSE): `target` for each that ends, then one `done`; when asked for, `aggregate` now and then
 * while results arrive, and once before `done`.
 */
export type RunEvent =
  { event: 'target'; data: Target } | { event: 'aggregate'; data: RunAggregate } | { event: 'done'; data: RunSummary }

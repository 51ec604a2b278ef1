import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'
import { failureKinds } from './outcome.ts'

/** Limits of run control, stated once. Milliseconds. */
export const runControlLimits = { deadlineMsMax: 604_800_000, batchWaitMsMax: 86_400_000 } as const

const share = (least: 0 | 1, description: string) =>
  Type.Union(
    [
      Type.Integer({ minimum: least, maximum: 1_000_000 }),
      Type.String({ pattern: '^(100|[0-9]{1,2}(\\.[0-9]{1,3})?)%$' }),
    ],
    { description, examples: [least === 0 ? '2%' : '10%'] },
  )

/** How the hosts of a run take their turns, and when it stops. Fields of the body of `POST /v1/runs`. */
export const runControlFields = {
  batch: Type.Optional(
    share(1, 'hosts (number, or share of all) at a time; as soon as one ends the next begins (Salt: --batch-size)'),
  ),
  serial: Type.Optional(
    share(
      1,
      'hosts (number, or share of all) in a batch; the next batch begins when all of one have ended (Ansible: serial)',
    ),
  ),
  batchWaitMs: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: runControlLimits.batchWaitMsMax,
      description:
        'ms a host keeps its place after its end (Salt: --batch-wait); with `serial` the pause between batches',
    }),
  ),
  concurrency: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'hosts at work at a time, at most (Ansible: forks)' }),
  ),
  canary: Type.Optional(
    share(1, 'hosts (number, or share of all) that go first; the others begin when these have ended well enough'),
  ),
  maxFailures: Type.Optional(
    share(0, 'hosts (number, or share of all; of canaries: of these) that may fail; with more no other begins'),
  ),
  cancelRunning: Type.Optional(
    Type.Boolean({ description: 'when too many have failed, hosts at work are cancelled as well' }),
  ),
  deadlineMs: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: runControlLimits.deadlineMsMax,
      description: 'ms from the start of the run; then hosts that have not begun are skipped, those at work cancelled',
    }),
  ),
}
export const RunControl = Type.Object(runControlFields, { additionalProperties: false })
export type RunControl = Static<typeof RunControl>

/** The rule that stopped a run before all of its hosts had their turn. */
export const RunStop = Type.Object({
  rule: Type.Enum(['canary', 'maxFailures', 'deadline']),
  reason: Type.String({ examples: ['2 of 5 canaries failed, allowed are 0'] }),
  cancelRunning: Type.Boolean({ description: 'hosts at work were cancelled as well' }),
})
export type RunStop = Static<typeof RunStop>

/** How far a run with turns is, while it lasts. */
export const RunRollout = Type.Object({
  begun: Type.Integer({ description: 'hosts that had their turn' }),
  running: Type.Integer({ description: 'of these, hosts at work' }),
  held: Type.Integer({ description: 'hosts whose turn has not come' }),
  stage: Type.Enum(['canary', 'batch', 'all']),
  batch: Type.Optional(Type.Object({ at: Type.Integer(), of: Type.Integer() }, { description: 'with `serial`' })),
  paused: Type.Boolean(),
  waitsFor: Type.Union([Type.String(), Type.Null()], {
    description: 'why the next host does not begin yet; null when none is left',
    examples: ['2 of 5 canaries to end'],
  }),
})
export type RunRollout = Static<typeof RunRollout>

/** Body of `POST /v1/runs/:id/retry`. */
export const RetryRun = Type.Object(
  {
    states: Type.Optional(
      Type.Array(Type.Enum([...failureKinds]), {
        minItems: 1,
        maxItems: failureKinds.length,
        description: 'only the hosts that ended so; default all that failed',
      }),
    ),
    force: Type.Optional(
      Type.Boolean({
        description:
          'also when a host may have done, or be doing, what must not be done twice (lost, timeout, cancelled)',
      }),
    ),
  },
  { additionalProperties: false },
)
export type RetryRun = Static<typeof RetryRun>

/** What a run may say of its control; absent: a plain run. */
export const runControlShown = {
  control: Type.Optional(RunControl),
  dryRun: Type.Optional(Type.Boolean({ description: 'operations only said what they would change' })),
  retryOf: Type.Optional(Id),
  stopped: Type.Optional(RunStop),
  rollout: Type.Optional(RunRollout),
}

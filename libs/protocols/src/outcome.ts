import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'

/** Terminal states of a call, in wire, API, CLI and metrics alike. A target ends in its last call's state, or `skipped`. */
export const failureKinds = [
  'exit',
  'invalid',
  'timeout',
  'cancelled',
  'rejected',
  'unreachable',
  'lost',
  'skipped',
] as const
export const FailureKind = Type.Enum(failureKinds, { description: 'why a target is not ok' })
export type FailureKind = (typeof failureKinds)[number]

export const TransportName = Type.Enum(['zmq', 'ssh'])
export type TransportName = Static<typeof TransportName>

/** Why one target is not ok. `stderrTail` is at most 4 KiB; `code` and `signal` are those of the process, when there was one. */
export const Failure = Type.Object({
  kind: FailureKind,
  message: Type.String(),
  step: Type.String({ description: 'the step that failed, for example `disk` or `2:shell`' }),
  callId: Type.Optional(Id),
  transport: Type.Optional(TransportName),
  code: Type.Optional(Type.Integer()),
  signal: Type.Optional(Type.String()),
  stderrTail: Type.Optional(Type.String()),
  outputRef: Type.Optional(
    Type.String({
      description: 'the call under which all of the output is kept; GET /v1/runs/:id/output/:host reads it',
    }),
  ),
  ackedAt: Type.Optional(Type.String()),
  stillRunning: Type.Optional(Type.Boolean()),
  started: Type.Optional(
    Type.Enum(['yes', 'no', 'unknown'], {
      description: 'of `lost` and `unreachable`: whether the host began the work',
    }),
  ),
})
export type Failure = Static<typeof Failure>

/** The host of a result, as small as a result needs it. */
export const HostRef = Type.Object({ id: Id, name: Type.String() })
export type HostRef = Static<typeof HostRef>

export type Ok<A> = { host: HostRef; ms: number; ok: true; value: A }
export type Failed = { host: HostRef; ms: number; ok: false; failure: Failure }
/** Exactly one per target, always. */
export type HostResult<A> = Ok<A> | Failed
export type Outcome<A> = readonly HostResult<A>[]

/** One call's terminal answer, as the agent (or the SSH transport) gives it. */
export const CallResult = Type.Union([
  Type.Object({ ok: Type.Literal(true), value: Type.Unknown() }),
  Type.Object({ ok: Type.Literal(false), failure: Failure }),
])
export type CallResult = { ok: true; value: unknown } | { ok: false; failure: Failure }

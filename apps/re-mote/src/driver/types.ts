import type { Late } from '../store/calls.ts'
import type { Cursor, RolloutPlan, Step } from '@re-ops/pipelines'
import type { RunStop, RunSummary, Target, TransportName } from '@re-ops/protocols'

/** A run that this process drives. Everything here can be rebuilt from Postgres; nothing is only here. */
export type ActiveRun = {
  readonly id: string
  readonly step: Step<unknown, unknown>
  readonly requestId: string
  readonly timeoutMs: number
  /** How long from its start hosts without a session are waited for; 0 is not at all. */
  readonly waitOnlineMs: number
  /** On the monotonic clock. */
  readonly startedAt: number
  readonly targets: Map<string, ActiveTarget>
  readonly expected: number
  /** Kept for who waits for the run, while it is small enough. */
  keepsResults: boolean
  keptBytes: number
  open: number
  /** Of the open ones, those whose end is being committed. */
  ending: number
  gathered: number
  ok: number
  readonly failures: Record<string, number>
  cancelled: boolean
  /** When the last host must have confirmed that, on the monotonic clock; Infinity: nobody cancelled it. */
  cancelsBy: number
  /** The rule that stopped it. */
  stop: RunStop | null
  /** Of a run whose hosts take turns; null: all begin at once. */
  readonly rollout: Rollout | null
  readonly done: PromiseWithResolvers<void>
}

/** Whose turn it is in a run: counts for `decideRollout`, and who is held. */
export type Rollout = {
  readonly plan: RolloutPlan
  /** In the order of their turns; those from `next` on have not had it. */
  held: readonly ActiveTarget[]
  next: number
  begun: number
  places: number
  failed: number
  paused: boolean
  /** When the run must be over, on the monotonic clock; Infinity: whenever it is. */
  readonly endsAt: number
  /** From its start; what `endsAt` was made of. */
  readonly deadlineMs: number
  /** Ages of the ends whose hosts still keep their places, ms; for who takes the run up. */
  readonly lately: readonly number[]
}

export type ActiveTarget = {
  readonly run: ActiveRun
  readonly host: string
  readonly name: string
  /** How the host is reached, unless a step says otherwise, and whether it has SSH settings. */
  readonly transport: TransportName
  readonly ssh: boolean
  call: ActiveCall | null
  barrier: { readonly cursor: Cursor; readonly value: unknown; readonly step: string } | null
  ended: Target | true | null
}

/**
 * One call under way. `handed`: this process gave it to a broker, or an earlier process may have, so the agent may know of it.
 * `ending`: its end is being committed.
 */
export type ActiveCall = {
  readonly id: string
  readonly target: ActiveTarget
  readonly operation: string
  /** The hash of the live module it is of. */
  readonly module: string | undefined
  readonly input: unknown
  /** What it is sent as, once that is made; undefined: as it was asked. */
  as?: { readonly operation: string; readonly input: unknown }
  readonly step: string
  readonly cursor: Cursor
  readonly timeoutMs: number
  readonly transport: CallTransport
  /** Of a call `here`: where the callback is in its module. */
  readonly code: string | undefined
  readonly reads: boolean
  readonly redeliveries: number
  state: 'queued' | 'sent' | 'acked' | 'running' | 'ending'
  handed: boolean
  epoch: number | null
  ackedAt: string | null
  deadline: number
  /** The deadline was put off once, because the host had no session. */
  extended: boolean
  /** Waits here until other calls of its host have ended. */
  inLine: boolean
  /** Its end is what its host answered; else the host may answer yet. */
  answered: boolean
  /** What its host answered while another end was being committed. */
  late: Late | null
}

/** How a call is made: on its host, or here, where the callbacks of pipelines run. */
export type CallTransport = TransportName | 'here'

/** The calls of one host: all of them, how many of them were sent, and who waits for room. */
export type HostCalls = { readonly calls: Set<ActiveCall>; inFlight: number; readonly inLine: ActiveCall[] }

export type RunDone = { readonly id: string; readonly summary: RunSummary }
export type DriverEvents = {
  target(run: string, target: Target): void
  /** The host of a target has begun a call of it. */
  began(run: string, host: string): void
  done(run: RunDone): void
}

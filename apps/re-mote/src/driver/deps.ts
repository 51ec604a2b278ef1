import type { Hold, Log, Pool } from '@re-ops/service'
import type { Addressed } from '../broker/port.ts'
import type { CallShape, CallSays } from '../broker/words.ts'
import type { Prepare } from '../services/prepare.ts'
import type { LiveOperations } from '../runner/live-operations.ts'
import type { Transport } from '../ssh/transport.ts'
import type { Late } from '../store/calls.ts'
import type { ActiveCall, DriverEvents } from './types.ts'

/**
 * Why what an agent said of a call, or a sample of a schedule, moves nothing: `late` results are looked up in Postgres, `overflow` is too many of them
 * (or of samples) at once.
 */
export type Unclaimed = 'other-host' | 'unknown' | 'late' | 'overflow' | 'no-schedule'

export type DriverDeps = {
  readonly log: Log
  readonly pool: Pool
  /** Of one connection; its commits do not wait for the disk. */
  readonly lax: Pool
  readonly events: DriverEvents
  /** The epoch of the host's live session. */
  epochOf(host: string): number | undefined
  /** The broker or the service was restarted a moment ago and this host had a session: it will be back at once, or is gone. */
  isReturning(host: string): boolean
  call(shape: CallShape, to: Addressed): void
  send(host: string, epoch: number, messages: readonly CallSays[]): void
  /** Results wait for their commits: agents must not be listened to, until few do. */
  slow(isSlow: boolean): void
  /** For hosts without an agent, and for steps that ask for it. */
  readonly ssh: Transport
  /** For callbacks of pipelines. */
  readonly callbacks: Pick<LiveOperations, 'codeOf'>
  reads(operation: string): boolean
  /** Calls that are sent as something else than they were asked as: templates. */
  readonly prepare: Prepare
  onCommit(items: number, ms: number): void
  onCallEnd(state: string): void
  /** An agent spoke of a call that is not its own, or not under way here; told once a call. */
  onUnclaimed(reason: Unclaimed): void
  /** A call's result is committed. Must not throw, and not take long: the next calls wait for it. */
  onResult(call: ActiveCall, value: unknown): void
  /** Gives a result to the service that drives its run; false when that is this one, or is not there. */
  forward(owner: string | null, late: Late): boolean
  /** Proof kit only: settles before the commit, which a chaos test must notice. */
  readonly settleBeforeCommit: boolean
  /** Proof kit only: holds a commit of results, so that a kill can be aimed at it. */
  readonly hold: Hold | null
}

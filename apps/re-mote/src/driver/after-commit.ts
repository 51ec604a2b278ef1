import type { Progress } from '@re-ops/pipelines'
import type { CallResult, Target } from '@re-ops/protocols'
import { roughBytes } from '../services/rough-bytes.ts'
import type { Late } from '../store/calls.ts'
import type { Advance } from '../store/commit.ts'
import type { GivenUp } from '../store/given-up.ts'
import type { DriverDeps } from './deps.ts'
import type { Flights } from './flights.ts'
import { driverLimits } from './limits.ts'
import { endOf } from './opening.ts'
import type { ActiveCall, ActiveRun, ActiveTarget } from './types.ts'

/** A step of a target that is not committed yet. */
export type Pending = {
  readonly advance: Advance
  readonly target: ActiveTarget
  readonly ended: ActiveCall | null
  readonly next: ActiveCall | null
  readonly progress: Progress
  /** What the call that ended gave. */
  readonly given: CallResult | null
  /** The call that ended, if its host is still to be asked about it. */
  readonly givenUp: GivenUp | null
  /** What it holds, about. */
  readonly bytes: number
  /** Something follows from it: a call, the turn of another host, the end of the run. Or nothing more is under way that could come with it. */
  readonly isAwaited: boolean
}
export type AfterCommitDeps = Omit<DriverDeps, 'ssh'> & {
  readonly runs: Map<string, ActiveRun>
  readonly flights: Flights
  /** A host answered while its call ended in another way; that end is committed. */
  onLate(late: Late): void
  /** A call ended without a word of its host; that end is committed. */
  onGivenUp(call: GivenUp): void
  /** A next call is committed and may be sent. */
  onNext(call: ActiveCall): void
  /** A target of a run whose hosts take turns has ended; others of it have not. */
  onTurnEnded(run: ActiveRun, ok: boolean): void
  /** One more stands at the barrier, or one fewer is to come. */
  openBarrier(run: ActiveRun): void
}
export type AfterCommit = {
  /** `applied`: the row changed; else somebody else had moved the target. */
  committed(pending: Pending, applied: boolean): void
  /** Stops driving a run in this process; Postgres has it. */
  forget(run: ActiveRun): void
}

/** What follows once a step of a target is a row: the next call, events, the end of its run. */
export const makeAfterCommit = (deps: AfterCommitDeps): AfterCommit => {
  const { runs, flights, openBarrier } = deps
  const forget = (run: ActiveRun) => {
    for (const target of run.targets.values()) if (target.call) flights.remove(target.call)
    runs.delete(run.id)
    run.done.resolve()
  }
  const endTarget = (target: ActiveTarget, result: CallResult, ms: number) => {
    const { run } = target
    const whole = targetOf(target, result, ms)
    target.ended = run.keepsResults ? whole : true
    if (run.keepsResults) keep(run, whole)
    run.open -= 1
    if (result.ok) run.ok += 1
    else run.failures[whole.state] = (run.failures[whole.state] ?? 0) + 1
    deps.events.target(run.id, whole)
    if (run.open > 0) {
      if (run.rollout) deps.onTurnEnded(run, result.ok)
      return openBarrier(run)
    }
    runs.delete(run.id)
    const { id, expected, ok, failures } = run
    deps.events.done({ id, summary: { run: id, expected, ok, failed: expected - ok, failures } })
    run.done.resolve()
  }
  const committed = ({ target, ended, next, progress, advance, given, givenUp }: Pending, applied: boolean) => {
    const { run } = target
    if (ended) flights.remove(ended)
    if (ended?.late) deps.onLate(ended.late)
    else if (givenUp) deps.onGivenUp(givenUp)
    target.call = null
    target.barrier = null
    if (applied && ended && given?.ok) deps.onResult(ended, given.value)
    if (!applied) return forget(run) // somebody else moved it; Postgres knows, and what is left is taken up again
    if (runs.get(run.id) !== run) return
    if (next) {
      flights.add(next)
      return deps.onNext(next)
    }
    if (progress.kind === 'done') return endTarget(target, progress.result, advance.target.ms ?? 0)
    if (progress.kind === 'gather') {
      target.barrier = progress
      run.gathered += 1
      openBarrier(run)
    }
  }
  return { committed, forget }
}

/** Results are kept while they are small together; then who waits reads them back. */
const keep = (run: ActiveRun, { value, failure }: Target) => {
  run.keptBytes += roughBytes(value ?? failure, driverLimits.keptBytesMax)
  if (run.keptBytes <= driverLimits.keptBytesMax) return
  run.keepsResults = false
  for (const target of run.targets.values()) if (target.ended) target.ended = true
}

const targetOf = ({ host, name }: ActiveTarget, result: CallResult, ms: number): Target => {
  const { state, step, value, failure } = endOf(result)
  return { host: { id: host, name }, state, step, ms, ...(result.ok ? { value } : {}), ...(failure ? { failure } : {}) }
}

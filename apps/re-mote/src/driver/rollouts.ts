import { begin, decideRollout } from '@re-ops/pipelines'
import { newId, type RunStop } from '@re-ops/protocols'
import { makeBatcher } from '../services/batcher.ts'
import { markStopped, type Stopped } from '../store/run-control.ts'
import type { DriverDeps } from './deps.ts'
import { cancelled, skipped } from './failures.ts'
import { driverLimits } from './limits.ts'
import type { Mover } from './mover.ts'
import type { ActiveRun, Rollout } from './types.ts'

export type RolloutsDeps = Pick<DriverDeps, 'log' | 'pool'> & {
  readonly runs: ReadonlyMap<string, ActiveRun>
  readonly mover: Pick<Mover, 'begin' | 'skip'>
  /** Ends the hosts at work. */
  cancel(run: ActiveRun): void
}
export type Rollouts = {
  /** A run is taken up, new or stored: gives turns, and minds its deadline. */
  take(run: ActiveRun): void
  /** A target of it has ended. */
  onEnded(run: ActiveRun, ok: boolean): void
  pause(run: ActiveRun, paused: boolean): void
  /** Ends whoever is held: the run was cancelled. */
  drop(run: ActiveRun): void
  readonly length: number
  drained(): Promise<void>
}

/**
 * Gives hosts of runs with rules (`batch`, `canary`, ...) their turns. What has begun, ended and failed is in rows, so a service that takes a run up
 * goes on where it was. A turn is a row first, like every move: until it is committed nothing is sent, and a target that is committed is not held.
 */
export const makeRollouts = (deps: RolloutsDeps): Rollouts => {
  const { runs, mover } = deps
  const drives = (run: ActiveRun) => runs.get(run.id) === run
  /** The rule is a row before anything follows from it. */
  const stops = makeBatcher<Stopped & { readonly of: ActiveRun }>({
    name: 'stopped runs',
    log: deps.log,
    itemsMax: driverLimits.batchItemsMax,
    newBatchId: newId,
    flush: async batch => {
      await markStopped(deps.pool, batch)
      return () => batch.forEach(({ of, stop }) => drives(of) && enforce(of, stop))
    },
    onRefused: () => undefined,
  })
  const stop = (run: ActiveRun, why: RunStop) => {
    run.stop = why
    stops.put({ run: run.id, stop: why, of: run })
  }
  const enforce = (run: ActiveRun, why: RunStop) => {
    endHeld(run, step => skipped(step, why))
    if (why.cancelRunning) deps.cancel(run)
  }
  const endHeld = (run: ActiveRun, failure: (step: string) => ReturnType<typeof skipped>) => {
    const { rollout } = run
    const held = rollout?.held.slice(rollout.next) ?? []
    if (!rollout || held.length === 0) return
    rollout.held = []
    const first = begin(run.step)
    const result = failure(first.kind === 'done' ? '' : first.step)
    for (const target of held) mover.skip(target, result)
  }
  const advance = (run: ActiveRun) => {
    const { rollout } = run
    if (!rollout || run.cancelled || run.stop || !drives(run)) return
    const decision = decideRollout(rollout.plan, rollout)
    const some = rollout.next < rollout.held.length
    if (decision.stop && (some || decision.stop.cancelRunning)) return stop(run, decision.stop)
    const last = Math.min(rollout.held.length, rollout.next + decision.start)
    const turn = rollout.held.slice(rollout.next, last)
    rollout.next = last
    rollout.begun += turn.length
    rollout.places += turn.length
    for (const target of turn) mover.begin(target)
  }
  const leavePlace = (run: ActiveRun, rollout: Rollout) => {
    rollout.places -= 1
    advance(run)
  }
  const after = (run: ActiveRun, ms: number, work: () => void) => {
    const timer = setTimeout(() => drives(run) && work(), Math.max(0, ms))
    timer.unref()
    void run.done.promise.then(() => clearTimeout(timer))
  }
  const takeDeadline = (run: ActiveRun, rollout: Rollout) => {
    if (rollout.endsAt === Infinity || run.cancelled) return
    const reason = `the deadline of the run, ${rollout.deadlineMs / 1000} s, passed`
    const pass = () => run.cancelled || stop(run, { rule: 'deadline', reason, cancelRunning: true })
    const leftMs = rollout.endsAt - performance.now()
    if (leftMs <= 0) pass()
    else after(run, leftMs, pass)
  }
  return {
    take: run => {
      const { rollout } = run
      if (!rollout) return
      if (run.cancelled && !run.stop) endHeld(run, step => cancelled(run, step))
      else if (run.stop) enforce(run, run.stop)
      takeDeadline(run, rollout)
      for (const age of rollout.lately) after(run, rollout.plan.keepsPlaceMs - age, () => leavePlace(run, rollout))
      advance(run)
    },
    onEnded: (run, ok) => {
      const { rollout } = run
      if (!rollout || run.stop) return
      if (!ok) rollout.failed += 1
      const { keepsPlaceMs } = rollout.plan
      if (keepsPlaceMs === 0) return leavePlace(run, rollout)
      after(run, keepsPlaceMs, () => leavePlace(run, rollout))
      advance(run)
    },
    pause: (run, paused) => {
      if (!run.rollout) return
      run.rollout.paused = paused
      advance(run)
    },
    drop: run => endHeld(run, step => cancelled(run, step)),
    get length() {
      return stops.length
    },
    drained: stops.drained,
  }
}

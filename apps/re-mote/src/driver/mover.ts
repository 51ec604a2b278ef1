import { begin, release, resume, type Progress } from '@re-ops/pipelines'
import type { Hold } from '@re-ops/service'
import { newId, type CallResult } from '@re-ops/protocols'
import { makeBatcher } from '../services/batcher.ts'
import { roughBytes } from '../services/rough-bytes.ts'
import { commitAdvances, type Advance, type Batch } from '../store/commit.ts'
import { noteGivenUp } from '../store/given-up.ts'
import { makeAfterCommit, type AfterCommitDeps, type Pending } from './after-commit.ts'
import { awaits, cancelled, completed, noSessionIn, noSsh, unreachable } from './failures.ts'
import { newCall, type CallProgress } from './flights.ts'
import { givenUpIn } from './given-up.ts'
import { driverLimits } from './limits.ts'
import { endOf } from './opening.ts'
import type { Settle } from './settle.ts'
import { makeSoonOnDisk } from './soon-on-disk.ts'
import type { ActiveCall, ActiveRun, ActiveTarget } from './types.ts'

export type MoverDeps = Omit<AfterCommitDeps, 'openBarrier'> & { readonly settle: Settle }
export type Mover = {
  endCall(call: ActiveCall, result: CallResult): void
  redeliver(call: ActiveCall, state?: 'unreachable' | 'lost'): void
  /** The turn of a target that was held has come. */
  begin(target: ActiveTarget): void
  /** The turn of a target that is held will not come. */
  skip(target: ActiveTarget, result: CallResult): void
  /** Ends a target that waits at a barrier. */
  cancelBarrier(target: ActiveTarget): void
  openBarrier(run: ActiveRun): void
  /** Stops driving a run in this process; Postgres has it. */
  forget(run: ActiveRun): void
  readonly length: number
  drained(): Promise<void>
}

/**
 * Moves targets from call to call. Each move is a row first, in batches; what follows from it (the settling of the result at its agent, the next
 * call, events) happens after the commit.
 */
export const makeMover = (deps: MoverDeps): Mover => {
  const { flights, settle, log, pool } = deps
  const soon = makeSoonOnDisk(deps)
  /** Calls whose end is being committed. */
  let ending = 0
  /** When all that are left stand at the barrier, all go on. */
  const openBarrier = (run: ActiveRun) => {
    if (run.gathered === 0 || run.gathered < run.open) return
    run.gathered = 0
    for (const target of run.targets.values()) {
      const { barrier } = target
      if (!barrier) continue
      target.barrier = null
      move(target, null, '', release(run.step, barrier.cursor, barrier.value))
    }
  }
  const after = makeAfterCommit({ ...deps, openBarrier })
  const moves = makeBatcher<Pending>({
    name: 'moves',
    log,
    itemsMax: driverLimits.batchItemsMax,
    bytesMax: driverLimits.batchBytesMax,
    bytesOf: one => one.bytes,
    gatherMs: driverLimits.gatherMs,
    isUrgent: one => one.isAwaited,
    onBytes: makePace(deps.slow),
    newBatchId: newId,
    onFlushed: deps.onCommit,
    flush: async (batch, id, again) => {
      const moved = batch.map(one => one.advance)
      if (deps.hold) await holdResults(deps.hold, moved)
      const givenUp = batch.flatMap(one => one.givenUp ?? [])
      if (givenUp.length > 0) await noteGivenUp(pool, givenUp)
      const ended = await store(batch, { items: moved, id, again })
      return () => {
        for (const one of batch) {
          uncount(one)
          after.committed(one, isApplied(one, ended))
        }
      }
    },
    onRefused: one => {
      uncount(one)
      if (one.ended === null) return after.forget(one.target.run)
      // What the host answered cannot be stored (Postgres says so), so the target ends saying that.
      one.ended.state = 'running'
      const message = 'the answer cannot be stored: Postgres refuses it'
      const { id: callId, step } = one.ended
      endCall(one.ended, { ok: false, failure: { kind: 'invalid', message, step, callId } })
    },
  })

  /** Ends that agents can tell again need not wait for the disk. What is sent next must, and what nobody else has. */
  const store = async (batch: readonly Pending[], rows: Batch): Promise<Set<string>> => {
    const pairs = batch.flatMap(({ ended }) => (ended?.answered ? [{ host: ended.target.host, id: ended.id }] : []))
    const bytes = batch.reduce((sum, one) => sum + one.bytes, 0)
    const isKept = batch.every(({ ended, advance }) => ended?.answered === true && advance.target.terminal)
    if (isKept && soon.takes(bytes) && !deps.settleBeforeCommit) return soon.commit(rows, pairs, bytes)
    const ended = await commitAdvances(pool, rows)
    if (!deps.settleBeforeCommit) settle(pairs)
    return ended
  }

  /** The end of a call becomes a row: its state, where the target goes from here, and the next call if there is one. */
  const move = (
    target: ActiveTarget,
    ended: ActiveCall | null,
    state: string,
    from: Progress,
    { redeliveries = 0, given = null }: { redeliveries?: number; given?: CallResult | null } = {},
  ) => {
    const { run, host } = target
    const progress = reachable(target, from)
    const reads = progress.kind === 'call' && deps.reads(progress.operation)
    const next = progress.kind === 'call' ? newCall(target, progress, { reads, redeliveries }) : null
    const advance = {
      ended: ended && { id: ended.id, state, operation: ended.operation },
      run: run.id,
      host,
      target: rowOf(run, progress),
      next: next && nextOf(next, deps.epochOf(host) === undefined ? 'queued' : 'sent'),
    }
    const { value, terminal } = advance.target
    if (ended) ending += 1
    if (terminal) run.ending += 1
    const isAwaited = !terminal || run.rollout !== null || run.ending === run.open || ending >= flights.size
    const givenUp = ended && givenUpIn(ended, state)
    const bytes = roughBytes(value ?? given)
    moves.put({ target, ended, next, progress, advance, given, givenUp, isAwaited, bytes })
  }
  const uncount = ({ ended, advance, target }: Pending) => {
    if (ended) ending -= 1
    if (advance.target.terminal) target.run.ending -= 1
  }
  /** Calls to a host that cannot be reached end at once, without having been; so do those of a cancelled run. */
  const reachable = ({ run, host, transport, ssh }: ActiveTarget, from: Progress): Progress => {
    let progress = from
    while (progress.kind === 'call') {
      if (run.cancelled) return { kind: 'done', result: cancelled(run, progress.step) }
      if (progress.code !== undefined) break // asked here
      const overSsh = (progress.via ?? transport) === 'ssh'
      if (overSsh ? ssh : deps.epochOf(host) !== undefined || deps.isReturning(host) || awaits(run)) break
      const failure = overSsh
        ? unreachable(progress.step, noSsh, undefined, 'ssh')
        : unreachable(progress.step, noSessionIn(run))
      progress = resume(run.step, progress.cursor, failure)
    }
    return progress
  }
  const endCall = (call: ActiveCall, result: CallResult) => {
    if (call.state === 'ending') return
    call.state = 'ending'
    const { target, cursor } = call
    const whole = completed(call, result)
    const state = whole.ok ? 'ok' : whole.failure.kind
    deps.onCallEnd(state)
    move(target, call, state, resume(target.run.step, cursor, whole), { given: whole })
  }
  const redeliver = (call: ActiveCall, state: 'unreachable' | 'lost' = 'unreachable') => {
    if (call.state === 'ending') return
    if (call.target.run.cancelled) return endCall(call, cancelled(call.target.run, call.step, call.id))
    if (call.redeliveries >= driverLimits.redeliveriesMax)
      return endCall(call, unreachable(call.step, 'it could not be delivered', call.id))
    call.state = 'ending'
    deps.onCallEnd(state)
    const { operation, module, reads, input, step, cursor, timeoutMs, transport, code } = call
    const of = module === undefined ? { operation } : { operation, module, reads }
    const way = transport === 'here' ? (code === undefined ? {} : { code }) : { via: transport }
    const same: CallProgress = { kind: 'call', ...of, input, step, cursor, timeoutMs, ...way }
    move(call.target, call, state, same, { redeliveries: call.redeliveries + 1 })
  }
  return {
    endCall,
    redeliver,
    begin: target => move(target, null, '', begin(target.run.step)),
    skip: (target, result) => move(target, null, '', { kind: 'done', result }),
    openBarrier,
    forget: after.forget,
    cancelBarrier: target => {
      const { barrier, run } = target
      if (!barrier) return
      target.barrier = null
      run.gathered -= 1
      move(target, null, '', { kind: 'done', result: cancelled(run, barrier.step) })
    },
    get length() {
      return moves.length
    },
    drained: () => moves.drained().then(soon.drained),
  }
}

/** Says when results come faster than they can be committed, and when they may come again. */
const makePace = (slow: (isSlow: boolean) => void): ((bytes: number) => void) => {
  let isSlow = false
  return bytes => {
    const { waitingBytesMax, waitingBytesFew } = driverLimits
    if (isSlow ? bytes > waitingBytesFew : bytes <= waitingBytesMax) return
    isSlow = !isSlow
    slow(isSlow)
  }
}

/** Postgres tells by the call that ended, or by the one that began. */
const isApplied = ({ ended, next }: Pending, applied: ReadonlySet<string>): boolean => {
  const call = ended ?? next
  return call === null || applied.has(call.id)
}

/** A result that is not committed yet; whoever settled it already would lose it now. */
const holdResults = async (hold: Hold, moved: readonly Advance[]): Promise<void> => {
  const result = moved.find(one => one.ended?.state === 'ok')?.ended
  if (result) await hold('commit', result.id)
}

const nextOf = (next: ActiveCall, state: 'queued' | 'sent'): NonNullable<Advance['next']> => {
  const { id, redeliveries } = next
  return { id, state, redeliveries }
}

const rowOf = (run: ActiveRun, progress: Progress): Advance['target'] => {
  const open = { state: 'running', cursor: undefined, gathered: false, ms: null, terminal: false }
  if (progress.kind === 'call') return { ...open, step: progress.step, cursor: progress.cursor }
  if (progress.kind === 'gather') {
    const { step, cursor, value } = progress
    return { ...open, step, cursor, gathered: true, value }
  }
  const { state, step, value, failure } = endOf(progress.result)
  const ms = Math.round((performance.now() - run.startedAt) * 10) / 10
  return { ...open, state, step, ms, terminal: true, value, ...(failure ? { failure } : {}) }
}

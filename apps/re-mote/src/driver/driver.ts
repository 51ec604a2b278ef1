import { release, resume, type Cursor, type Progress } from '@re-ops/pipelines'
import { newId, wireLimits, type CallResult, type Target } from '@re-ops/protocols'
import type { Log, Pool } from '@re-ops/service'
import type { AgentSays, CallSays } from '../broker/words.ts'
import { makeBatcher } from '../services/batcher.ts'
import { commitAcks, commitAdvances, commitLate, type Acked, type Advance, type Late } from '../store/commit.ts'
import { cancelled, completed, lost, noSession, rejected, unreachable } from './failures.ts'
import { endOf } from './opening.ts'
import type { ActiveCall, ActiveRun, ActiveTarget, DriverEvents, HostCalls } from './types.ts'

export type DriverDeps = {
  readonly log: Log
  readonly pool: Pool
  readonly events: DriverEvents
  /** The epoch of the host's live session. */
  epochOf(host: string): number | undefined
  /** The broker or the service was restarted a moment ago and this host had a session: it will be back at once, or is gone. */
  isReturning(host: string): boolean
  send(host: string, epoch: number, messages: readonly CallSays[]): void
  reads(operation: string): boolean
  onCommit(items: number, ms: number): void
  onCallEnd(state: string): void
  /** Proof kit only: settles before the commit, which a chaos test must notice. */
  readonly settleBeforeCommit: boolean
}

/** How long beyond its limit a call is waited for: the agent enforces the limit, and its answer must travel. */
const graceMs = 5_000
/** How much longer when the host has no session at its deadline: an agent may pause this long before it dials again. */
const absentGraceMs = 20_000
/** How long a call may wait on its host for a slot. */
const slotWaitMaxMs = 15 * 60_000
const redeliveriesMax = 3
const ackDelayMs = 50
const sweepMs = 250
const batchItemsMax = 2_000
/** Calls sent to one host at a time; the others wait their turn here. Its agent keeps room for the result of each. */
const inFlightPerHostMax = 32

type Pending = {
  readonly advance: Advance
  readonly target: ActiveTarget
  readonly ended: ActiveCall | null
  readonly next: ActiveCall | null
  readonly progress: Progress
}

export type Driver = ReturnType<typeof makeDriver>

/**
 * Moves every target of every active run from call to call. Facts go to Postgres first, in batches; what follows from them (the next call, the
 * settling of a result at its agent, events) happens after the commit.
 */
export const makeDriver = (deps: DriverDeps) => {
  const { pool, log, events } = deps
  const runs = new Map<string, ActiveRun>()
  const calls = new Map<string, ActiveCall>()
  const byHost = new Map<string, HostCalls>()

  // ---- what is committed, and what follows from it ----
  const advances = makeBatcher<Pending>({
    name: 'advances',
    log,
    itemsMax: batchItemsMax,
    newBatchId: newId,
    onFlushed: deps.onCommit,
    flush: async (batch, id) => {
      const ended = await commitAdvances(
        pool,
        batch.map(one => one.advance),
        id,
      )
      return () => {
        if (!deps.settleBeforeCommit) settle(batch.flatMap(one => (one.ended ? [[one.target.host, one.ended.id]] : [])))
        for (const one of batch) committed(one, one.ended === null || ended.has(one.ended.id))
      }
    },
    onRefused: one => {
      // What the host answered cannot be stored (Postgres says so), so the target ends saying that.
      if (one.ended === null) return forget(one.target.run)
      one.ended.state = 'running'
      const message = 'the answer cannot be stored: it holds text that Postgres refuses'
      endCall(one.ended, {
        ok: false,
        failure: { kind: 'invalid', message, step: one.ended.step, callId: one.ended.id },
      })
    },
  })
  const lates = makeBatcher<Late>({
    name: 'late results',
    log,
    itemsMax: batchItemsMax,
    newBatchId: newId,
    flush: async batch => {
      await commitLate(pool, batch)
      return () => settle(batch.map(one => [one.host, one.id]))
    },
    onRefused: one => settle([[one.host, one.id]]),
  })
  const acks = makeBatcher<Acked>({
    name: 'acknowledgements',
    log,
    itemsMax: batchItemsMax,
    newBatchId: newId,
    flush: async batch => {
      await commitAcks(pool, batch)
      return () => undefined
    },
    onRefused: () => undefined,
  })
  const settle = (pairs: readonly (readonly string[])[]) => {
    const ids = new Map<string, string[]>()
    for (const [host = '', id = ''] of pairs) {
      const list = ids.get(host)
      if (list) list.push(id)
      else ids.set(host, [id])
    }
    for (const [host, list] of ids) {
      const epoch = deps.epochOf(host)
      if (epoch !== undefined) deps.send(host, epoch, [{ kind: 'call.settled', body: { ids: list } }])
    }
  }

  // Acknowledgements are not urgent: a call that ends within `ackDelayMs` never needs its row touched for them.
  let acked = new Map<string, ActiveCall>()
  let ackTimer: NodeJS.Timeout | undefined
  const flushAcks = () => {
    ackTimer = undefined
    for (const call of acked.values())
      if (call.state === 'acked' || call.state === 'running') acks.put({ id: call.id, state: call.state })
    acked = new Map()
  }
  const onAcked = (call: ActiveCall, running: boolean) => {
    if (call.state === 'ending') return
    call.state = running ? 'running' : 'acked'
    call.ackedAt ??= new Date().toISOString()
    call.deadline = performance.now() + (running ? call.timeoutMs + graceMs : call.timeoutMs + slotWaitMaxMs)
    acked.set(call.id, call)
    ackTimer ??= setTimeout(flushAcks, ackDelayMs)
  }

  // ---- moving on ----
  const register = (call: ActiveCall) => {
    calls.set(call.id, call)
    call.target.call = call
    const { host } = call.target
    const there = byHost.get(host) ?? { calls: new Set(), inFlight: 0, inLine: [] }
    byHost.set(host, there)
    there.calls.add(call)
    if (call.handed) there.inFlight += 1
  }
  const unregister = (call: ActiveCall) => {
    calls.delete(call.id)
    const there = byHost.get(call.target.host)
    if (!there?.calls.delete(call)) return
    if (call.handed) there.inFlight -= 1
    for (let next = there.inLine.shift(); next; next = there.inLine.shift()) {
      next.inLine = false
      dispatch(next)
      if (next.handed) break
    }
    if (there.calls.size === 0) byHost.delete(call.target.host)
  }
  const newCall = (
    target: ActiveTarget,
    progress: Progress & { kind: 'call' },
    redeliveries = 0,
    id = newId(),
  ): ActiveCall => ({
    id,
    target,
    operation: progress.operation,
    input: progress.input,
    step: progress.step,
    cursor: progress.cursor,
    timeoutMs: progress.timeoutMs ?? target.run.timeoutMs,
    reads: deps.reads(progress.operation),
    redeliveries,
    state: 'queued',
    handed: false,
    epoch: null,
    ackedAt: null,
    deadline: Number.POSITIVE_INFINITY,
    extended: false,
    inLine: false,
  })
  const canReach = (host: string) => deps.epochOf(host) !== undefined || deps.isReturning(host)

  /** The end of a call becomes a row: its state, where the target goes from here, and the next call if there is one. */
  const advance = (target: ActiveTarget, ended: ActiveCall | null, state: string, from: Progress, redeliveries = 0) => {
    const { run, host } = target
    let progress = from
    while (progress.kind === 'call') {
      if (run.cancelled) progress = { kind: 'done', result: cancelled(progress.step) }
      else if (canReach(host)) break
      else progress = resume(run.step, progress.cursor, unreachable(progress.step, noSession))
    }
    const next = progress.kind === 'call' ? newCall(target, progress, redeliveries) : null
    advances.put({
      target,
      ended,
      next,
      progress,
      advance: {
        ended: ended && { id: ended.id, state },
        run: run.id,
        host,
        target: rowOf(run, progress),
        next: next && {
          id: next.id,
          operation: next.operation,
          input: next.input,
          step: next.step,
          timeoutMs: next.timeoutMs,
          state: deps.epochOf(host) === undefined ? 'queued' : 'sent',
          redeliveries,
        },
      },
    })
  }
  const rowOf = (run: ActiveRun, progress: Progress): Advance['target'] => {
    const open = { cursor: undefined, gathered: false, ms: null, terminal: false }
    if (progress.kind === 'call') return { ...open, state: 'running', step: progress.step, cursor: progress.cursor }
    if (progress.kind === 'gather')
      return {
        ...open,
        state: 'running',
        step: progress.step,
        cursor: progress.cursor,
        gathered: true,
        value: progress.value,
      }
    const { state, step, value, failure } = endOf(progress.result)
    const ms = Math.round((performance.now() - run.startedAt) * 10) / 10
    return { ...open, state, step, ms, terminal: true, value, ...(failure ? { failure } : {}) }
  }
  const endCall = (call: ActiveCall, result: CallResult) => {
    if (call.state === 'ending') return
    call.state = 'ending'
    const { target } = call
    const whole = completed(call, result)
    const state = whole.ok ? 'ok' : whole.failure.kind
    deps.onCallEnd(state)
    advance(target, call, state, resume(target.run.step, call.cursor, whole))
  }
  /** The agent has declared the id void, so the call never started: the same step goes out under a new id, a few times at most. */
  const redeliver = (call: ActiveCall, state: 'unreachable' | 'lost' = 'unreachable') => {
    if (call.state === 'ending') return
    if (call.target.run.cancelled) return endCall(call, cancelled(call.step, call.id))
    if (call.redeliveries >= redeliveriesMax) return endCall(call, unreachable(call.step, 'not delivered', call.id))
    call.state = 'ending'
    deps.onCallEnd(state)
    const { operation, input, step, cursor, timeoutMs } = call
    advance(
      call.target,
      call,
      state,
      { kind: 'call', operation, input, step, cursor, timeoutMs },
      call.redeliveries + 1,
    )
  }
  const committed = ({ target, ended, next, progress, advance: { target: row } }: Pending, applied: boolean) => {
    const { run } = target
    if (ended) unregister(ended)
    target.call = null
    target.barrier = null
    if (!applied) return forget(run) // somebody else moved it; Postgres knows, and the sweep takes up what is left
    if (runs.get(run.id) !== run) return
    if (next) {
      register(next)
      return dispatch(next)
    }
    if (progress.kind === 'gather') {
      target.barrier = progress
      run.gathered += 1
      return openBarrier(run)
    }
    if (progress.kind === 'done') endTarget(target, progress.result, row.ms ?? 0)
  }
  const endTarget = (target: ActiveTarget, result: CallResult, ms: number) => {
    const { run, host, name } = target
    const { state, step, value, failure } = endOf(result)
    const whole: Target = {
      host: { id: host, name },
      state,
      step,
      ms,
      ...(result.ok ? { value } : {}),
      ...(failure ? { failure } : {}),
    }
    target.ended = run.keepsResults ? whole : true
    run.open -= 1
    if (result.ok) run.ok += 1
    else run.failures[state] = (run.failures[state] ?? 0) + 1
    events.target(run.id, whole)
    if (run.open === 0) {
      runs.delete(run.id)
      events.done({
        id: run.id,
        summary: {
          run: run.id,
          expected: run.expected,
          ok: run.ok,
          failed: run.expected - run.ok,
          failures: run.failures,
        },
      })
      run.done.resolve()
    } else openBarrier(run)
  }
  /** When all that are left stand at the barrier, all go on. */
  const openBarrier = (run: ActiveRun) => {
    if (run.gathered === 0 || run.gathered < run.open) return
    run.gathered = 0
    for (const target of run.targets.values()) {
      const { barrier } = target
      if (!barrier) continue
      target.barrier = null
      advance(
        target,
        null,
        '',
        run.cancelled
          ? { kind: 'done', result: cancelled(barrier.step) }
          : release(run.step, barrier.cursor, barrier.value),
      )
    }
  }
  /** Stops driving a run in this process; Postgres has it. */
  const forget = (run: ActiveRun) => {
    for (const target of run.targets.values()) if (target.call) unregister(target.call)
    runs.delete(run.id)
    run.done.resolve()
  }

  // ---- to and from agents ----
  const dispatch = (call: ActiveCall) => {
    const { host, run } = call.target
    const epoch = deps.epochOf(host)
    if (run.cancelled) return endCall(call, cancelled(call.step, call.id))
    if (epoch === undefined) {
      if (!deps.isReturning(host)) endCall(call, unreachable(call.step, noSession, call.id))
      return
    }
    const there = byHost.get(host)
    if (!there || call.handed || call.inLine || call.state === 'ending') return
    if (there.calls.size > wireLimits.callsPerAgentMax)
      return endCall(call, rejected(call, `more than ${wireLimits.callsPerAgentMax} calls under way on this host`))
    if (there.inFlight >= inFlightPerHostMax) {
      call.inLine = true
      there.inLine.push(call)
      return
    }
    there.inFlight += 1
    call.handed = true
    call.epoch = epoch
    call.state = 'sent'
    call.deadline = performance.now() + call.timeoutMs + graceMs
    const { id, operation, input, timeoutMs } = call
    const body = {
      id,
      operation,
      input: input ?? {},
      timeoutMs,
      outputBytesMax: wireLimits.outputBytesMax,
      requestId: run.requestId,
    }
    deps.send(host, epoch, [{ kind: 'call', body }])
  }
  const onLive = (host: string, epoch: number) => {
    const asked: string[] = []
    const messages: CallSays[] = []
    for (const call of byHost.get(host)?.calls ?? []) {
      if (call.state === 'ending') continue
      if (!call.handed) dispatch(call)
      else if (call.epoch !== epoch) {
        call.epoch = epoch
        asked.push(call.id)
        if (call.target.run.cancelled) messages.push({ kind: 'call.cancel', body: { id: call.id } })
      }
    }
    if (asked.length > 0) messages.push({ kind: 'call.ask', body: { ids: asked } })
    if (messages.length > 0) deps.send(host, epoch, messages)
  }
  /** It was provably not sent over the session that ended, and there is a newer one. */
  const sendAgain = (call: ActiveCall) => {
    const there = byHost.get(call.target.host)
    if (!there) return
    there.inFlight -= 1
    call.handed = false
    dispatch(call)
  }
  const onUnsent = (host: string, ids: readonly string[], why: string) => {
    for (const id of ids) {
      const call = calls.get(id)
      if (!call || call.target.host !== host || call.state !== 'sent') continue
      const epoch = deps.epochOf(host)
      if (why === 'gone' && epoch !== undefined && epoch !== call.epoch) sendAgain(call)
      else {
        const message = why === 'gone' ? 'the host is gone' : `the host could not be sent to (${why})`
        endCall(call, unreachable(call.step, message, call.id))
      }
    }
  }
  const onHeard = (host: string, message: AgentSays) => {
    if (message.kind === 'goodbye') return
    if (message.kind === 'call.report') {
      for (const { id, state } of message.body.calls) onReport(host, id, state)
      return
    }
    const call = calls.get(message.body.id)
    if (call && call.target.host !== host) {
      return log.warn(
        { host, call: call.id, requestId: call.target.run.requestId },
        'a host answers for a call of another; dropped',
      )
    }
    if (message.kind === 'call.result') {
      const { id, ms, result } = message.body
      if (!call) return lates.put({ id, host, ms, result })
      if (deps.settleBeforeCommit) settle([[host, id]])
      return endCall(call, result)
    }
    if (call) onAcked(call, message.kind === 'call.running' || (message.kind === 'call.acked' && message.body.running))
  }
  const onReport = (host: string, id: string, state: 'waiting' | 'running' | 'finished' | 'lost' | 'unknown') => {
    const call = calls.get(id)
    if (!call || call.target.host !== host || call.state === 'ending') return
    if (state === 'waiting' || state === 'running') return onAcked(call, state === 'running')
    if (state !== 'unknown') return // its result is on the way
    if (call.ackedAt === null) redeliver(call)
    else endCall(call, lost(call, 'the agent acknowledged the call and does not know it any more'))
  }

  // ---- time ----
  const onDeadline = (call: ActiveCall) => {
    const { host } = call.target
    if (deps.epochOf(host) === undefined && !call.extended) {
      call.extended = true
      call.deadline = performance.now() + absentGraceMs
      return
    }
    const fresh = call.ackedAt === null && call.redeliveries === 0
    if (call.reads && fresh && deps.epochOf(host) !== undefined) return redeliver(call, 'lost')
    endCall(call, lost(call, `no answer within its limit of ${call.timeoutMs} ms and ${graceMs} ms of grace`))
  }
  const sweep = () => {
    const now = performance.now()
    for (const call of calls.values()) {
      if (call.state === 'ending') continue
      if (call.deadline <= now) onDeadline(call)
      else if (!call.handed) dispatch(call)
    }
  }
  const sweeper = setInterval(sweep, sweepMs)

  return {
    onLive,
    onUnsent,
    onHeard,
    has: (run: string) => runs.has(run),
    get: (run: string) => runs.get(run),
    runIds: () => [...runs.keys()],
    size: () => ({ runs: runs.size, calls: calls.size, commits: advances.length, lates: lates.length }),
    /** Takes up a stored run: `calls` are those of its open targets, sent where they can be. */
    take: (run: ActiveRun, first: readonly ActiveCall[]) => {
      runs.set(run.id, run)
      for (const call of first) register(call)
      for (const call of first) if (!call.handed) dispatch(call)
      // An earlier process may have sent these: who is live already is asked now, the others when they say hello.
      for (const host of new Set(first.filter(call => call.handed).map(call => call.target.host))) {
        const epoch = deps.epochOf(host)
        if (epoch !== undefined) onLive(host, epoch)
      }
      openBarrier(run)
    },
    newCall,
    /** Ends what was not sent, and asks the hosts to end the rest. */
    cancel: (id: string) => {
      const run = runs.get(id)
      if (!run || run.cancelled) return
      run.cancelled = true
      for (const target of run.targets.values()) {
        const { call, barrier, host } = target
        const epoch = deps.epochOf(host)
        if (barrier) {
          target.barrier = null
          run.gathered -= 1
          advance(target, null, '', { kind: 'done', result: cancelled(barrier.step) })
        } else if (call && !call.handed) endCall(call, cancelled(call.step, call.id))
        else if (call && epoch !== undefined) deps.send(host, epoch, [{ kind: 'call.cancel', body: { id: call.id } }])
      }
    },
    close: async () => {
      clearInterval(sweeper)
      clearTimeout(ackTimer)
      await Promise.all([advances.drained(), lates.drained()])
    },
  }
}

export type { Cursor }

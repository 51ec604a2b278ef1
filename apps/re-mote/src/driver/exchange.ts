import { wireLimits } from '@re-ops/protocols'
import { makeBucket } from '../broker/bucket.ts'
import type { CallAnswer, CallShape, CallSays } from '../broker/words.ts'
import type { Acks } from './acks.ts'
import type { DriverDeps } from './deps.ts'
import { awaits, cancelled, invalid, lost, neverBegun, noSessionIn, rejected, unreachable } from './failures.ts'
import type { Flights } from './flights.ts'
import type { GivenUps } from './given-up.ts'
import type { Lates } from './lates.ts'
import { driverLimits } from './limits.ts'
import type { Mover } from './mover.ts'
import type { OverHere } from './over-here.ts'
import type { OverSsh } from './over-ssh.ts'
import type { Settle, Settling } from './settle.ts'
import type { ActiveCall } from './types.ts'

export type ExchangeDeps = Omit<DriverDeps, 'ssh'> & {
  readonly flights: Flights
  readonly mover: Mover
  readonly acks: Acks
  readonly lates: Lates
  readonly givenUps: Pick<GivenUps, 'questions' | 'answered'>
  readonly settle: Settle
  readonly along: Settling['along']
  readonly overSsh: Pick<OverSsh, 'dispatch'>
  readonly overHere: OverHere
}
export type Exchange = {
  /** Sends a committed call, if its host can be sent to; ends it, if it never can. */
  dispatch(call: ActiveCall): void
  /** Asks for what was sent before; `again`: over a session that there was already, whose results went to another service. */
  onLive(host: string, epoch: number, again?: true): void
  onUnsent(host: string, ids: readonly string[], why: string): void
  onHeard(host: string, message: CallAnswer): void
}
type Reported = 'waiting' | 'running' | 'finished' | 'lost' | 'unknown'

/** The shape of a call; the same value for calls that are alike and follow one another, as those of a fan-out do. */
const makeShapes = (): ((call: ActiveCall) => CallShape) => {
  let last: { readonly run: unknown; readonly input: unknown; readonly shape: CallShape } | undefined
  return ({ operation: asked, module, input: askedInput, as, timeoutMs, target: { run } }) => {
    const { operation, input } = as ?? { operation: asked, input: askedInput }
    const alike =
      last?.run === run &&
      last.input === input &&
      last.shape.operation === operation &&
      last.shape.module === module &&
      last.shape.timeoutMs === timeoutMs
    if (last && alike) return last.shape
    const { outputBytesMax } = wireLimits
    const of = module === undefined ? { operation } : { operation, module }
    const shape = { ...of, input: input ?? {}, timeoutMs, outputBytesMax, requestId: run.requestId }
    last = { run, input, shape }
    return shape
  }
}

/** What goes to agents and comes from them. */
export const makeExchange = (deps: ExchangeDeps): Exchange => {
  const { flights, mover, acks, lates, givenUps, settle, log } = deps
  const shapeOf = makeShapes()
  const warnings = makeBucket(driverLimits.warningsPerSecondMax, driverLimits.warningsPerSecondMax)

  /** Made ready while nobody waits for it but its host; sent when it is. */
  const prepare = (call: ActiveCall) => {
    const { operation, input, target } = call
    deps.prepare.prepare(operation, input, target.host).then(
      as => {
        call.as = as
        if (flights.get(call.id) === call) dispatch(call)
      },
      (error: unknown) => {
        const why = (error instanceof Error ? error.message : String(error)).slice(0, 1_000)
        if (flights.get(call.id) === call) mover.endCall(call, invalid(call, why))
      },
    )
  }
  const dispatch = (call: ActiveCall) => {
    if (call.as === undefined && deps.prepare.needs(call.operation) && call.module === undefined) return prepare(call)
    if (call.transport === 'ssh') return deps.overSsh.dispatch(call)
    if (call.transport === 'here') return deps.overHere.dispatch(call)
    const { host, run } = call.target
    const there = flights.of(host)
    if (!there || call.handed || call.state === 'ending') return
    const epoch = deps.epochOf(host)
    if (run.cancelled) return mover.endCall(call, cancelled(call.target.run, call.step, call.id))
    if (epoch === undefined) {
      if (!deps.isReturning(host) && !awaits(run))
        mover.endCall(call, unreachable(call.step, noSessionIn(run), call.id))
      return
    }
    if (call.inLine) return
    if (there.calls.size > wireLimits.callsPerAgentMax)
      return mover.endCall(
        call,
        rejected(call, `more than ${wireLimits.callsPerAgentMax} calls under way on this host`),
      )
    if (there.inFlight >= driverLimits.inFlightPerHostMax) {
      call.inLine = true
      there.inLine.push(call)
      return
    }
    there.inFlight += 1
    hand(call, epoch)
  }
  const hand = (call: ActiveCall, epoch: number) => {
    call.handed = true
    call.epoch = epoch
    call.state = 'sent'
    call.deadline = performance.now() + call.timeoutMs + driverLimits.graceMs
    const { host: agent } = call.target
    const settled = deps.along(agent)
    deps.call(shapeOf(call), { agent, epoch, id: call.id, ...(settled && { settled }) })
  }
  /** It was provably not sent over the session that ended, and there is a newer one. */
  const sendAgain = (call: ActiveCall) => {
    const there = flights.of(call.target.host)
    if (!there) return
    there.inFlight -= 1
    call.handed = false
    dispatch(call)
  }
  /** It was provably not sent, and its host is waited for: the sweep tries again. */
  const hold = (call: ActiveCall) => {
    const there = flights.of(call.target.host)
    if (there) there.inFlight -= 1
    call.handed = false
    call.state = 'queued'
    call.deadline = Number.POSITIVE_INFINITY
  }
  const ofAnother = (call: ActiveCall, host: string) => {
    deps.onUnclaimed('other-host')
    const { requestId } = call.target.run
    if (warnings.take()) log.warn({ host, call: call.id, requestId }, 'a host answers for a call of another; dropped')
  }
  /** Of a call that has ended: what its host was asked about is told at last; everything else nobody wants to know. */
  const onLateReport = (host: string, id: string, state: Reported) => {
    const asked = givenUps.answered(host, id)
    if (!asked) return deps.onUnclaimed('unknown')
    if (state === 'unknown' && !asked.acked) lates.put({ id, host, ms: 0, result: neverBegun(asked) })
  }
  const onReport = (host: string, id: string, state: Reported) => {
    const call = flights.get(id)
    if (!call) return onLateReport(host, id, state)
    if (call.target.host !== host) return ofAnother(call, host)
    if (call.state === 'ending') return
    if (state === 'waiting' || state === 'running') return acks.note(call, state === 'running')
    if (state !== 'unknown') return // its result is on the way
    // The agent has declared the id void: if it never acknowledged the call, the call has provably not started.
    if (call.ackedAt === null) mover.redeliver(call)
    else mover.endCall(call, lost(call, 'the agent acknowledged the call and does not know it any more'))
  }
  const onAnswer = (
    host: string,
    message: Extract<CallAnswer, { kind: 'call.acked' | 'call.running' | 'call.result' }>,
  ) => {
    const call = flights.get(message.body.id)
    if (call && call.target.host !== host) return ofAnother(call, host)
    if (message.kind === 'call.result') {
      const { id, ms, result, acked } = message.body
      if (call && acked) call.ackedAt ??= new Date().toISOString()
      if (!call) {
        givenUps.answered(host, id)
        return lates.put({ id, host, ms, result })
      }
      if (deps.settleBeforeCommit) settle([{ host, id }])
      if (call.state === 'ending') {
        // An end of ours is on its way into its row: what the host says comes after it, and is kept beside.
        if (!call.answered) call.late = { id, host, ms, result }
        return
      }
      call.answered = true
      return mover.endCall(call, result)
    }
    if (call) acks.note(call, message.kind === 'call.running' || message.body.running)
    else deps.onUnclaimed('unknown')
  }
  return {
    dispatch,
    onLive: (host, epoch, again) => {
      const asked: string[] = []
      const messages: CallSays[] = []
      for (const call of flights.of(host)?.calls ?? []) {
        if (call.state === 'ending' || call.transport !== 'zmq') continue
        if (!call.handed) dispatch(call)
        else if (call.epoch !== epoch) {
          call.epoch = epoch
          asked.push(call.id)
          if (call.target.run.cancelled) messages.push({ kind: 'call.cancel', body: { id: call.id } })
        }
      }
      if (asked.length > 0) messages.push({ kind: 'call.ask', body: { ids: asked, ...(again ? { again } : {}) } })
      messages.push(...givenUps.questions(host))
      if (messages.length > 0) deps.send(host, epoch, messages)
    },
    onUnsent: (host, ids, why) => {
      for (const id of ids) {
        const call = flights.get(id)
        if (!call || call.target.host !== host || call.state !== 'sent') continue
        const epoch = deps.epochOf(host)
        if (why === 'gone' && epoch !== undefined && epoch !== call.epoch) {
          sendAgain(call)
          continue
        }
        if (why === 'gone' && awaits(call.target.run)) {
          hold(call)
          continue
        }
        const message = why === 'gone' ? 'the host is gone' : `the host could not be sent to (${why})`
        mover.endCall(call, unreachable(call.step, message, call.id))
      }
    },
    onHeard: (host, message) => {
      if (message.kind === 'goodbye') return
      if (message.kind !== 'call.report') return onAnswer(host, message)
      for (const { id, state } of message.body.calls) onReport(host, id, state)
    },
  }
}

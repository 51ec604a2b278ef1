import { makeSlept } from '../slept.ts'
import type { DriverDeps } from './deps.ts'
import type { Exchange } from './exchange.ts'
import { lost } from './failures.ts'
import type { Flights } from './flights.ts'
import { driverLimits } from './limits.ts'
import type { Mover } from './mover.ts'
import type { ActiveCall } from './types.ts'

export type SweepDeps = Pick<DriverDeps, 'epochOf'> & {
  readonly flights: Flights
  readonly mover: Mover
  readonly exchange: Exchange
}

/** Sweeps again and again. Returns what stops it. */
export const startSweep = (deps: SweepDeps): (() => void) => {
  const sweep = makeSweep(deps, performance.now())
  const timer = setInterval(() => sweep(performance.now()), driverLimits.sweepMs)
  return () => clearInterval(timer)
}

/** Ends calls that are past their deadline, and tries those that could not be sent. Time that was slept through does not count. */
export const makeSweep = ({ epochOf, flights, mover, exchange }: SweepDeps, from: number): ((now: number) => void) => {
  const { graceMs, absentGraceMs, cancelGraceMs, sweepMs } = driverLimits
  const sleptUntil = makeSlept(sweepMs, from)
  const onDeadline = (call: ActiveCall, now: number) => {
    if (call.transport === 'here') return mover.endCall(call, lost(call, 'its callback was not answered in time'))
    if (call.transport === 'ssh') return mover.endCall(call, lost(call, 'the SSH transport did not end it in time'))
    if (call.target.run.cancelled)
      return mover.endCall(
        call,
        lost(call, `cancelled, and its host did not confirm it within ${cancelGraceMs / 1000} s`),
      )
    const live = epochOf(call.target.host) !== undefined
    if (!live && !call.extended) {
      call.extended = true
      call.deadline = now + absentGraceMs
      return
    }
    // Repeated by itself only when doing it twice does no harm.
    const fresh = call.ackedAt === null && call.redeliveries === 0
    if (call.reads && fresh && live) return mover.redeliver(call, 'lost')
    mover.endCall(call, lost(call, `no answer within its limit of ${call.timeoutMs} ms and ${graceMs} ms of grace`))
  }
  return now => {
    const slept = sleptUntil(now)
    for (const call of flights.all()) {
      if (call.state === 'ending') continue
      call.deadline = Math.min(call.deadline + slept, call.target.run.cancelsBy)
      // It may wait for a slot on its host for long, but not on a host that is gone.
      if (call.state === 'acked' && epochOf(call.target.host) === undefined)
        call.deadline = Math.min(call.deadline, now + call.timeoutMs + graceMs)
      if (call.deadline <= now) onDeadline(call, now)
      else if (!call.handed) exchange.dispatch(call)
    }
  }
}

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

/** Ends calls that are past their deadline, and tries those that could not be sent. Returns what stops it. */
export const startSweep = ({ epochOf, flights, mover, exchange }: SweepDeps): (() => void) => {
  const { graceMs, absentGraceMs, sweepMs } = driverLimits
  const onDeadline = (call: ActiveCall) => {
    const live = epochOf(call.target.host) !== undefined
    if (!live && !call.extended) {
      call.extended = true
      call.deadline = performance.now() + absentGraceMs
      return
    }
    // Repeated by itself only when doing it twice does no harm.
    const fresh = call.ackedAt === null && call.redeliveries === 0
    if (call.reads && fresh && live) return mover.redeliver(call, 'lost')
    mover.endCall(call, lost(call, `no answer within its limit of ${call.timeoutMs} ms and ${graceMs} ms of grace`))
  }
  const sweep = () => {
    const now = performance.now()
    for (const call of flights.all()) {
      if (call.state === 'ending') continue
      // It may wait for a slot on its host for long, but not on a host that is gone.
      if (call.state === 'acked' && epochOf(call.target.host) === undefined)
        call.deadline = Math.min(call.deadline, now + call.timeoutMs + graceMs)
      if (call.deadline <= now) onDeadline(call)
      else if (!call.handed) exchange.dispatch(call)
    }
  }
  const timer = setInterval(sweep, sweepMs)
  return () => clearInterval(timer)
}

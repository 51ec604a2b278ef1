import { wireLimits, type CallResult } from '@re-ops/protocols'
import type { Transport } from '../ssh/transport.ts'
import type { Acks } from './acks.ts'
import { cancelled, lost, noSsh, rejected, unreachable } from './failures.ts'
import type { Flights } from './flights.ts'
import { driverLimits } from './limits.ts'
import type { Mover } from './mover.ts'
import type { ActiveCall } from './types.ts'

export type OverSshDeps = {
  readonly ssh: Transport
  readonly flights: Flights
  readonly mover: Mover
  readonly acks: Acks
}
/** Calls that go over SSH. The transport keeps no state of its own on the host, so what this process does not know, nobody knows. */
export type OverSsh = {
  dispatch(call: ActiveCall): void
  /** A call that an earlier process may have begun. */
  adopt(call: ActiveCall): void
  onStarted(id: string): void
  onEnd(id: string, result: CallResult): void
}

export const makeOverSsh = ({ ssh, flights, mover, acks }: OverSshDeps): OverSsh => ({
  dispatch: call => {
    const { host, run } = call.target
    const there = flights.of(host)
    if (!there || call.handed || call.state === 'ending') return
    if (run.cancelled) return mover.endCall(call, cancelled(run, call.step, call.id, 'ssh'))
    if (!call.target.ssh) return mover.endCall(call, unreachable(call.step, noSsh, call.id, 'ssh'))
    if (there.calls.size > wireLimits.callsPerAgentMax)
      return mover.endCall(
        call,
        rejected(call, `more than ${wireLimits.callsPerAgentMax} calls under way on this host`),
      )
    there.inFlight += 1
    call.handed = true
    call.state = 'sent'
    // The transport ends every call; this is for a bug in it. Waiting for a connection is not the call's time.
    call.deadline = performance.now() + call.timeoutMs + driverLimits.slotWaitMaxMs
    const { id, module, timeoutMs } = call
    const { operation, input } = call.as ?? call
    const of = module === undefined ? { operation } : { operation, module }
    ssh.send({ id, host, ...of, input: input ?? {}, timeoutMs })
  },
  adopt: call => {
    const again = call.reads && call.redeliveries < driverLimits.redeliveriesMax && !call.target.run.cancelled
    if (again) return mover.redeliver(call, 'lost')
    mover.endCall(call, lost(call, 'the service ended while the call was under way over SSH'))
  },
  onStarted: id => {
    const call = flights.get(id)
    if (call) acks.note(call, true)
  },
  onEnd: (id, result) => {
    const call = flights.get(id)
    if (call) mover.endCall(call, result)
  },
})

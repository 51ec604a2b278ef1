import type { HostRef } from '@re-ops/protocols'
import type { LiveOperations } from '../runner/live-operations.ts'
import { cancelled } from './failures.ts'
import type { Flights } from './flights.ts'
import { driverLimits } from './limits.ts'
import type { Mover } from './mover.ts'
import type { ActiveCall } from './types.ts'

export type OverHereDeps = {
  readonly callbacks: Pick<LiveOperations, 'codeOf'>
  readonly flights: Flights
  readonly mover: Mover
}
/** Calls of the callbacks of pipelines: the process of their module is asked, here. They only read, so who begins again asks again. */
export type OverHere = { dispatch(call: ActiveCall): void }

export const makeOverHere = ({ callbacks, flights, mover }: OverHereDeps): OverHere => ({
  dispatch: call => {
    const { target, module = '', code = '', input } = call
    const there = flights.of(target.host)
    if (!there || call.handed || call.state === 'ending') return
    if (target.run.cancelled) return mover.endCall(call, cancelled(target.run, call.step, call.id, 'here'))
    there.inFlight += 1
    call.handed = true
    call.state = 'running'
    call.deadline = performance.now() + driverLimits.slotWaitMaxMs // every question is answered; this is for a bug
    const host: HostRef = { id: target.host, name: target.name }
    const ms = Math.round(performance.now() - target.run.startedAt)
    void callbacks.codeOf(module, code, { ...(input as { value: unknown }), host, ms }).then(result => {
      if (flights.get(call.id) === call) mover.endCall(call, result)
    })
  },
})

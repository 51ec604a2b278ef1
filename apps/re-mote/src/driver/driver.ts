import { makeAcks } from './acks.ts'
import type { DriverDeps } from './deps.ts'
import { makeExchange, type Exchange } from './exchange.ts'
import { cancelled } from './failures.ts'
import { makeFlights, newCall, type CallProgress } from './flights.ts'
import { driverLimits } from './limits.ts'
import { makeGivenUps, type GivenUps } from './given-up.ts'
import { makeLates, type Lates } from './lates.ts'
import { makeMover } from './mover.ts'
import { makeOverHere } from './over-here.ts'
import { makeOverSsh, type OverSsh } from './over-ssh.ts'
import { makeRollouts } from './rollouts.ts'
import { makeSettle } from './settle.ts'
import { startSweep } from './sweep.ts'
import type { ActiveCall, ActiveRun, ActiveTarget } from './types.ts'

export type Driver = Pick<Exchange, 'onLive' | 'onUnsent' | 'onHeard'> & {
  /** About calls that were given up before this process, or by a service that is no more. */
  readonly loadGivenUp: GivenUps['load']
  /** Results of calls of runs that no known service drives: there may be one now. */
  readonly retryEarly: Lates['again']
  readonly overSsh: Pick<OverSsh, 'onStarted' | 'onEnd'>
  get(run: string): ActiveRun | undefined
  /** The call, while it is under way. */
  callUnderWay(id: string): ActiveCall | undefined
  runIds(): string[]
  size(): { readonly runs: number; readonly calls: number; readonly commits: number }
  newCall(target: ActiveTarget, progress: CallProgress, id: string, redeliveries?: number): ActiveCall
  /** Takes up a stored run; `calls` are those of its open targets. */
  take(run: ActiveRun, calls: readonly ActiveCall[]): void
  /** Ends what was not sent, and asks the hosts to end the rest. */
  cancel(run: string): void
  /** Gives no more turns, or gives them again. */
  pause(run: string, paused: boolean): void
  /** Another service drives these runs now. */
  forget(runs: readonly string[]): void
  close(): Promise<void>
}

/**
 * Drives every run that is not done: `mover` moves targets from call to call through Postgres, `exchange` speaks with agents, `sweep` minds the
 * time. All of it is rebuilt from Postgres after a restart (services/adopt.ts).
 */
export const makeDriver = (deps: DriverDeps): Driver => {
  const runs = new Map<string, ActiveRun>()
  const flights = makeFlights(call => exchange.dispatch(call))
  const { settle, along } = makeSettle(deps)
  const acks = makeAcks(deps)
  const lates = makeLates(
    {
      ...deps,
      claim: ({ host, ...body }) => {
        if (!flights.get(body.id)) return false
        exchange.onHeard(host, { kind: 'call.result', body })
        return true
      },
    },
    settle,
  )
  const givenUps = makeGivenUps(deps)
  const mover = makeMover({
    ...deps,
    runs,
    flights,
    settle,
    onLate: late => lates.put(late),
    onGivenUp: call => givenUps.note(call),
    onNext: call => exchange.dispatch(call),
    onTurnEnded: (run, ok) => rollouts.onEnded(run, ok),
  })
  const overSsh = makeOverSsh({ ssh: deps.ssh, flights, mover, acks })
  const overHere = makeOverHere({ callbacks: deps.callbacks, flights, mover })
  const exchange: Exchange = makeExchange({
    ...deps,
    flights,
    mover,
    acks,
    lates,
    givenUps,
    settle,
    along,
    overSsh,
    overHere,
  })
  const rollouts = makeRollouts({ ...deps, runs, mover, cancel: run => cancelRun(run) })
  const stopSweep = startSweep({ epochOf: deps.epochOf, flights, mover, exchange })

  const cancelTarget = (target: ActiveTarget) => {
    const { call, host } = target
    if (!call) return mover.cancelBarrier(target)
    const epoch = deps.epochOf(host)
    if (!call.handed) mover.endCall(call, cancelled(call.target.run, call.step, call.id, call.transport))
    else if (call.transport === 'ssh') deps.ssh.cancel(call.id)
    else if (call.transport === 'here')
      return // it ends by itself, soon; what follows is not done
    else if (epoch !== undefined) deps.send(host, epoch, [{ kind: 'call.cancel', body: { id: call.id } }])
  }
  const cancelRun = (run: ActiveRun) => {
    if (run.cancelled) return
    run.cancelled = true
    run.cancelsBy = performance.now() + driverLimits.cancelGraceMs
    for (const target of run.targets.values()) cancelTarget(target)
    rollouts.drop(run)
  }
  return {
    onLive: exchange.onLive,
    onUnsent: exchange.onUnsent,
    onHeard: exchange.onHeard,
    loadGivenUp: givenUps.load,
    retryEarly: lates.again,
    overSsh,
    get: run => runs.get(run),
    callUnderWay: flights.get,
    runIds: () => [...runs.keys()],
    size: () => ({ runs: runs.size, calls: flights.size, commits: mover.length + lates.length + rollouts.length }),
    newCall: (target, progress, id, redeliveries = 0) =>
      newCall(target, progress, { reads: deps.reads(progress.operation), redeliveries, id }),
    take: (run, calls) => {
      runs.set(run.id, run)
      for (const call of calls) flights.add(call)
      for (const call of calls)
        if (call.handed && call.transport === 'ssh') overSsh.adopt(call)
        else exchange.dispatch(call)
      // An earlier process may have sent these: who is live already is asked now, the others when they say hello.
      for (const host of new Set(
        calls.filter(call => call.handed && call.epoch === null).map(call => call.target.host),
      )) {
        const epoch = deps.epochOf(host)
        if (epoch !== undefined) exchange.onLive(host, epoch, true)
      }
      for (const call of calls) {
        const result = lates.take(call.id)?.result
        if (!result) continue
        call.answered = true
        mover.endCall(call, result)
      }
      mover.openBarrier(run)
      rollouts.take(run)
    },
    cancel: id => {
      const run = runs.get(id)
      if (run) cancelRun(run)
    },
    pause: (id, paused) => {
      const run = runs.get(id)
      if (run) rollouts.pause(run, paused)
    },
    forget: ids => {
      for (const id of ids) {
        const run = runs.get(id)
        if (run) mover.forget(run)
      }
    },
    close: async () => {
      stopSweep()
      acks.close()
      await Promise.all([mover.drained(), lates.drained(), givenUps.drained(), rollouts.drained()])
    },
  }
}

import type { CallResult, HostRef, HostResult, TransportName } from '@re-ops/protocols'
import { begin, release, resume, type Progress } from './progress.ts'
import type { AnyStep, At, Step } from './step.ts'

/** One call as a transport gets it. `timeoutMs` is the step's own limit, `via` the way it asks for, when it says one. */
export type PortCall = {
  readonly operation: string
  readonly input: unknown
  readonly step: string
  readonly timeoutMs?: number
  readonly via?: TransportName
}
/**
 * What does calls on hosts. It must settle every call, also after `signal` fires (then usually `cancelled`), and answers
 * failures as values. When it throws all the same, that host's result is `lost`, since nobody knows what happened.
 */
export type CallPort = {
  call(host: HostRef, call: PortCall, options: { readonly signal: AbortSignal }): Promise<CallResult>
}
export type InterpretOptions = {
  readonly signal?: AbortSignal
  /** Calls under way at once; the others wait their turn. Default 1000. */
  readonly callsMax?: number
}

/**
 * Runs a step on hosts and gives exactly one result per target, each as soon as it is known. Every host moves to its next
 * step by itself; only `gather` makes them wait. Leaving the loop early cancels what is under way.
 */
export async function* interpret<B>(
  step: Step<void, B>,
  hosts: readonly HostRef[],
  port: CallPort,
  options: InterpretOptions = {},
): AsyncGenerator<HostResult<B>, void, undefined> {
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const ready: HostResult<unknown>[] = []
  let wake = Promise.withResolvers<void>()
  const barrier = makeBarrier(hosts.length)
  const turn = makeTurns(options.callsMax ?? 1000)
  const bugs: unknown[] = []
  const began = performance.now()
  const one = async (host: HostRef) => {
    try {
      ready.push(await drive(step, host, { port, signal, barrier, turn, began }))
    } catch (bug) {
      bugs.push(bug)
    } finally {
      barrier.leave()
      wake.resolve()
    }
  }
  const all = hosts.map(one)
  try {
    for (let given = 0; given < hosts.length;) {
      if (bugs.length > 0) throw bugs[0]
      const result = ready.shift()
      if (result) {
        given += 1
        yield result as HostResult<B>
        continue
      }
      await wake.promise
      wake = Promise.withResolvers<void>()
    }
  } finally {
    stop.abort()
    await Promise.all(all)
  }
}

type World = {
  readonly port: CallPort
  readonly signal: AbortSignal
  readonly barrier: Barrier
  readonly turn: Turns
  readonly began: number
}

/** One host through the whole step. */
const drive = async (step: AnyStep, host: HostRef, world: World): Promise<HostResult<unknown>> => {
  const at = (): At => ({ host, ms: performance.now() - world.began })
  let progress: Progress = begin(step, undefined, at())
  while (progress.kind !== 'done') {
    const { cursor } = progress
    if (progress.kind === 'gather') {
      const opened = await world.barrier.wait(world.signal)
      if (!opened) return { ...at(), ok: false, failure: cancelled(progress.step) }
      progress = release(step, cursor, progress.value, at())
    } else {
      progress = resume(step, cursor, await call(host, progress, world), at())
    }
  }
  return { ...at(), ...progress.result }
}

const cancelled = (step: string) =>
  ({ kind: 'cancelled', message: 'the run was cancelled', step, started: 'no' }) as const

const call = async (host: HostRef, progress: Progress & { kind: 'call' }, world: World): Promise<CallResult> => {
  const { cursor: _, kind: __, ...asked } = progress
  const done = await world.turn.take()
  try {
    if (world.signal.aborted) return { ok: false, failure: cancelled(asked.step) }
    return await world.port.call(host, asked, { signal: world.signal })
  } catch (error) {
    const message = `the transport threw: ${error instanceof Error ? error.message : String(error)}`.slice(0, 512)
    return { ok: false, failure: { kind: 'lost', message, step: asked.step, started: 'unknown' } }
  } finally {
    done()
  }
}

type Turns = { take(): Promise<() => void> }

/** At most `max` holders at a time, in the order they asked. */
const makeTurns = (max: number): Turns => {
  let free = max
  const waiting: (() => void)[] = []
  const give = () => {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }
  return {
    take: async () => {
      if (free > 0) free -= 1
      else await new Promise<void>(resolve => waiting.push(resolve))
      return give
    },
  }
}

type Barrier = { wait(signal: AbortSignal): Promise<boolean>; leave(): void }

/** Opens whenever everybody who has not left waits; answers false when the signal fired instead. */
const makeBarrier = (members: number): Barrier => {
  let inside = members
  let waiting: ((opened: boolean) => void)[] = []
  const open = (opened: boolean) => {
    const all = waiting
    waiting = []
    for (const go of all) go(opened)
  }
  const openWhenAllWait = () => {
    if (waiting.length > 0 && waiting.length === inside) open(true)
  }
  return {
    wait: signal =>
      new Promise(resolve => {
        if (signal.aborted) return resolve(false)
        const stop = () => open(false)
        signal.addEventListener('abort', stop, { once: true })
        waiting.push(opened => {
          signal.removeEventListener('abort', stop)
          resolve(opened)
        })
        openWhenAllWait()
      }),
    leave: () => {
      inside -= 1
      openWhenAllWait()
    },
  }
}

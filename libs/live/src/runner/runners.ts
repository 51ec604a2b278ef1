import type { ModuleLimits } from '@re-ops/protocols'
import { startChild, type Answer, type Child, type ChildSpec, type Question } from './child.ts'
import { runnerLimits } from './limits.ts'

/** What a runner needs of a module. Whoever gives it has checked hash and signature. */
export type Runnable = { readonly hash: string; readonly code: string; readonly limits: ModuleLimits }
export type RunnersSpec = ChildSpec & {
  /** Never more than this, whatever a module says of itself. */
  readonly memoryBytesMax?: number
  /** Also keeps a fresh process ready, once the first was needed. */
  readonly spare?: boolean
}
export type Asked = Exclude<Question, { ask: 'load' }>
export type Runners = {
  /** Asks the module's process, which is started on first use. `onProcess` hears its id before the question is put. */
  ask(module: Runnable, question: Asked, signal: AbortSignal, onProcess?: (pid: number) => void): Promise<Answer>
  /** Ends what runs of these modules. */
  drop(hashes: readonly string[], why: string): void
  readonly size: number
  close(): void
}

type Warm = { readonly child: Child; readonly loaded: Promise<Answer>; idleSince: number }

/** One warm process per module. Nothing is started before the first question. */
export const makeRunners = (spec: RunnersSpec): Runners => {
  const warm = new Map<string, Warm>()
  let spare: Child | undefined
  let timer: NodeJS.Timeout | undefined
  let sweeper: NodeJS.Timeout | undefined
  let usedAt = 0

  const fresh = (): Child => {
    const taken = spare?.ended === false ? spare : startChild(spec)
    spare = undefined
    if (spec.spare !== false)
      timer ??= setTimeout(() => {
        timer = undefined
        spare ??= startChild(spec)
      }, runnerLimits.spareAfterMs).unref()
    return taken
  }
  const forget = (hash: string, one: Warm, why: string): void => {
    if (warm.get(hash) === one) warm.delete(hash)
    one.child.kill(why)
  }
  const sweep = (): void => {
    const now = performance.now()
    for (const [hash, one] of warm)
      if (one.child.busy === 0 && now - one.idleSince > runnerLimits.idleMs) forget(hash, one, 'ended: it was idle')
    if (now - usedAt < runnerLimits.idleMs || warm.size > 0) return
    spare?.kill('ended: it was not needed')
    spare = undefined
    clearInterval(sweeper)
    sweeper = undefined
  }
  /** The one that was idle longest makes room; those at work stay, the number of calls at a time bounds them. */
  const makeRoom = (): void => {
    if (warm.size < runnerLimits.warmMax) return
    const idle = [...warm].filter(([, one]) => one.child.busy === 0)
    const [oldest] = idle.toSorted(([, a], [, b]) => a.idleSince - b.idleSince)
    if (!oldest) return
    const [hash, { child }] = oldest
    warm.delete(hash)
    // Ending a process takes as long as a whole call, and the next call is waiting.
    setTimeout(() => child.kill('ended: it made room for another module'), runnerLimits.spareAfterMs)
  }
  const warmed = ({ hash, code, limits }: Runnable): Warm => {
    const known = warm.get(hash)
    if (known && !known.child.ended) return known
    makeRoom()
    const child = fresh()
    const memoryBytesMax = Math.min(limits.memoryBytesMax, spec.memoryBytesMax ?? limits.memoryBytesMax)
    child.limit({ ...limits, memoryBytesMax })
    const started = AbortSignal.timeout(runnerLimits.startWithinMs)
    const one: Warm = { child, loaded: child.ask({ ask: 'load', code }, started), idleSince: performance.now() }
    warm.set(hash, one)
    sweeper ??= setInterval(sweep, runnerLimits.idleMs / 4).unref()
    return one
  }
  return {
    ask: async (module, question, signal, onProcess) => {
      usedAt = performance.now()
      const one = warmed(module)
      if (one.child.pid !== undefined) onProcess?.(one.child.pid)
      // Asked at once: the process has the code and the first question in one piece, which spares a round trip.
      const answered = one.child.ask(question, signal)
      const loaded = await orAborted(one.loaded, signal)
      if (loaded.kind === 'value') return answered.finally(() => (one.idleSince = performance.now()))
      if (loaded.kind === 'aborted') return loaded
      forget(module.hash, one, 'ended: it cannot be loaded')
      return loaded.kind === 'threw' ? { ...loaded, message: `the module cannot be loaded: ${loaded.message}` } : loaded
    },
    drop: (hashes, why) => {
      for (const hash of hashes) {
        const one = warm.get(hash)
        if (one) forget(hash, one, why)
      }
    },
    get size() {
      return warm.size
    },
    close: () => {
      clearTimeout(timer)
      clearInterval(sweeper)
      spare?.kill('ended')
      for (const [hash, one] of warm) forget(hash, one, 'ended: the runner stops')
    },
  }
}

const orAborted = (answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> => {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const stop = (): void => resolve({ kind: 'aborted' })
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  void answer.then(resolve)
  return promise.finally(() => signal.removeEventListener('abort', stop))
}

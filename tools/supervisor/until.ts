import { setTimeout as wait } from 'node:timers/promises'
import { SupervisorError } from './fault.ts'

export type Wait = {
  readonly what: string
  readonly limitMs: number
  readonly signal: AbortSignal
  readonly everyMs?: number
}

/** Asks again until there is an answer; `what` and what was seen last stand in the error when the time is over. */
export const until = async <A>(
  { what, limitMs, signal, everyMs = 15 }: Wait,
  ask: () => Promise<{ ok: A } | { not: string }>,
): Promise<A> => {
  const end = performance.now() + limitMs
  for (;;) {
    signal.throwIfAborted()
    const seen = await ask()
    if ('ok' in seen) return seen.ok
    if (performance.now() > end) throw new SupervisorError(`${what} took longer than ${limitMs / 1000} s: ${seen.not}`)
    await wait(everyMs, undefined, { signal })
  }
}

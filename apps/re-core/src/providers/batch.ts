import { ProviderError } from '@re-ops/protocols'

type Waiter<T> = { readonly resolve: (value: T | undefined) => void; readonly reject: (error: unknown) => void }

/**
 * `ask` answers what it found; a key that is missing was not found. `gatherMs` null: who comes first is asked for at
 * once, and those that come while one is under way wait for it and are the next.
 */
export type BatchOptions<T> = {
  readonly ask: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>
  readonly gatherMs: number | null
  readonly keysMax: number
}

/** One request for all that ask within moments, so that hundreds of machines that boot cost a handful of calls. */
export const makeBatch = <T>({ ask, gatherMs, keysMax }: BatchOptions<T>) => {
  let waiting = new Map<string, Waiter<T>[]>()
  let timer: NodeJS.Timeout | null = null
  let busy = false

  const done = (): void => {
    busy = false
    if (gatherMs === null && waiting.size > 0) flush()
  }
  const flush = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const round = waiting
    waiting = new Map()
    busy = true
    const asked = ask([...round.keys()]).then(
      found => {
        for (const [key, waiters] of round) for (const one of waiters) one.resolve(found.get(key))
      },
      (error: unknown) => {
        for (const waiters of round.values()) for (const one of waiters) one.reject(error)
      },
    )
    void asked.finally(done)
  }
  return (key: string, signal: AbortSignal): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const abort = () => reject(new ProviderError('transient', 'not-applied', 'no answer before the deadline'))
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort, { once: true })
      const over =
        <V>(end: (value: V) => void) =>
        (value: V) => {
          signal.removeEventListener('abort', abort)
          end(value)
        }
      waiting.set(key, [...(waiting.get(key) ?? []), { resolve: over(resolve), reject: over(reject) }])
      if (waiting.size >= keysMax) flush()
      else if (gatherMs !== null) timer ??= setTimeout(flush, gatherMs)
      else if (!busy) flush()
    })
}

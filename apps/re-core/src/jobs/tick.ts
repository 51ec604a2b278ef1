import { setTimeout as pause } from 'node:timers/promises'

export type Log = { warn(fields: object, text: string): void }

/**
 * Does the work again and again until the signal, each time about `everyMs` after it ended (jittered, so replicas do
 * not beat together). A round that fails is logged, and the next one comes all the same.
 */
export const every = async (
  { log, random }: { log: Log; random: () => number },
  { name, everyMs }: { name: string; everyMs: number },
  work: (signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    await pause(everyMs * (0.8 + random() * 0.4), null, { signal }).catch(() => null)
    if (signal.aborted) return
    try {
      await work(signal)
    } catch (error) {
      if (!signal.aborted) log.warn({ round: name, error: (error as Error).message }, 'a round broke off')
    }
  }
}

/** Runs the work over the items, so many at a time. One that fails does not stop the others. */
export const forEachBounded = async <T>(
  items: readonly T[],
  atOnceMax: number,
  work: (item: T) => Promise<void>,
  onError: (error: Error, item: T) => void,
): Promise<void> => {
  const left = [...items]
  const lane = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      const one = item
      await work(one).catch((error: unknown) => onError(error as Error, one))
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, lane))
}

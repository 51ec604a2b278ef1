/** Full jitter between half and all of 100 ms x 2^attempt, at most 10 s: a fleet that lost its broker does not return as one. */
export const backoffMs = (attempt: number, random: () => number = Math.random): number => {
  const ceiling = Math.min(10_000, 100 * 2 ** Math.min(attempt, 10))
  return Math.round(ceiling / 2 + (random() * ceiling) / 2)
}

/** Waits, or returns early when the signal aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })

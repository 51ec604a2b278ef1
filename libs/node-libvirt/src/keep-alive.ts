export type KeepAlive = {
  /** Between two questions, milliseconds. */
  readonly intervalMs: number
  /** So many questions without any sign of life end the connection. */
  readonly missedMax: number
}
export const keepAliveDefaults: KeepAlive = { intervalMs: 5_000, missedMax: 5 }

/** Asks while nothing is heard, and calls `onDead` once when too many questions stay without a sign of life. */
export const watch = (
  { intervalMs, missedMax }: KeepAlive,
  ask: () => void,
  onDead: (silentMs: number) => void,
): { heard(): void; stop(): void } => {
  let missed = 0
  const timer = setInterval(() => {
    if (missed >= missedMax) {
      clearInterval(timer)
      onDead(missed * intervalMs)
      return
    }
    missed += 1
    ask()
  }, intervalMs)
  // A connection that is only kept does not keep the process.
  timer.unref()
  return { heard: () => void (missed = 0), stop: () => clearInterval(timer) }
}

/** A clock that stands still while the whole computer does (a paused or starved virtual machine): limits are the product's. */
export type Awake = {
  /** ms, as performance.now(), less what was slept through */
  now(): number
  sleptMs(): number
  stop(): void
}

const everyMs = 200
/** Our own turns of the event loop never take so long; a computer with more to do than it can makes us late by less. */
const asleepMs = 3_000

export const startAwake = (clock: () => number = () => performance.now()): Awake => {
  let [last, slept] = [clock(), 0]
  const look = () => {
    const now = clock()
    if (now - last >= asleepMs) slept += now - last - everyMs
    last = now
  }
  const timer = setInterval(look, everyMs)
  const now = () => {
    look()
    return clock() - slept
  }
  return { now, sleptMs: () => slept, stop: () => clearInterval(timer) }
}

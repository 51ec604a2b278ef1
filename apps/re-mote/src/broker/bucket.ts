/** A token bucket on the monotonic clock: `take()` says whether one more is allowed now. */
export type Bucket = { take(): boolean }

export const makeBucket = (perSecond: number, burst: number, now: () => number = () => performance.now()): Bucket => {
  let tokens = burst
  let at = now()
  return {
    take: () => {
      const current = now()
      tokens = Math.min(burst, tokens + ((current - at) / 1000) * perSecond)
      at = current
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}

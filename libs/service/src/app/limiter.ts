/** `max` requests at once, refilled evenly over `windowMs`. */
export type RateLimit = { readonly max: number; readonly windowMs: number }
type Bucket = { tokens: number; at: number }
export type Limiter = {
  /** Takes one token: 0 when there was one, else the milliseconds until there is. */
  take(key: string, limit: RateLimit): number
  /** The same question without taking. */
  look(key: string, limit: RateLimit): number
}
const bucketsMax = 10_000
/** Thirds that were added up are a whole: who waited as told gets through. */
const whole = 1 - 1e-6

/** Token buckets in memory, at most 10,000 callers; the longest unused makes room. `now` in milliseconds. */
export const makeLimiter = (now: () => number = () => performance.now()): Limiter => {
  const buckets = new Map<string, Bucket>()
  const refill = (key: string, { max, windowMs }: RateLimit): Bucket => {
    const at = now()
    const old = buckets.get(key)
    const bucket = old
      ? { tokens: Math.min(max, old.tokens + ((at - old.at) * max) / windowMs), at }
      : { tokens: max, at }
    buckets.delete(key)
    if (buckets.size >= bucketsMax) buckets.delete(buckets.keys().next().value as string)
    buckets.set(key, bucket)
    return bucket
  }
  const waitMs = (bucket: Bucket, { max, windowMs }: RateLimit): number =>
    bucket.tokens >= whole ? 0 : Math.ceil(((1 - bucket.tokens) * windowMs) / max)
  return {
    look: (key, limit) => waitMs(refill(key, limit), limit),
    take: (key, limit) => {
      const bucket = refill(key, limit)
      const wait = waitMs(bucket, limit)
      if (wait === 0) bucket.tokens = Math.max(0, bucket.tokens - 1)
      return wait
    },
  }
}

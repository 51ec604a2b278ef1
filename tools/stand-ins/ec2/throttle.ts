import type { Setup } from './state.ts'

type Level = { tokens: number; at: number }

/** Token buckets per action, as EC2 has them. Answers whether the request is let through. */
export const makeThrottle = (setup: Setup, now: () => number) => {
  const levels = new Map<string, Level>()
  const keyOf = (action: string): string | null =>
    [action, action.startsWith('Describe') ? 'Describe*' : '', '*'].find(key => setup.buckets.has(key)) ?? null
  return (action: string): boolean => {
    const key = keyOf(action)
    const bucket = key === null ? undefined : setup.buckets.get(key)
    if (key === null || bucket === undefined) return true
    const before = levels.get(key) ?? { tokens: bucket.burst, at: now() }
    const tokens = Math.min(bucket.burst, before.tokens + ((now() - before.at) / 1_000) * bucket.perSecond)
    levels.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now() })
    return tokens >= 1
  }
}

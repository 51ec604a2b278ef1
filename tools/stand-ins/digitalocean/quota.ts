import type { Clock } from '../shared/clock.ts'

/** Requests allowed; DigitalOcean's own are 5,000 an hour and 250 a minute. */
export type RateLimits = { readonly perHour: number; readonly perMinute: number }
export const ownLimits: RateLimits = { perHour: 5_000, perMinute: 250 }

export type Counted = { readonly headers: Readonly<Record<string, string>>; readonly refused: boolean }

const hourMs = 3_600_000
const minuteMs = 60_000

/** Counts requests of one token: those of the last hour and of the last minute. */
export const makeQuota = (clock: Clock, { perHour, perMinute }: RateLimits) => {
  let taken: number[] = []
  return (): Counted => {
    const now = clock.now()
    taken = taken.filter(at => now - at < hourMs)
    const lately = taken.filter(at => now - at < minuteMs)
    const freeAt = Math.max(
      taken.length >= perHour ? (taken.at(-perHour) ?? now) + hourMs : now,
      lately.length >= perMinute ? (lately.at(-perMinute) ?? now) + minuteMs : now,
    )
    const refused = freeAt > now
    if (!refused) taken.push(now)
    return {
      refused,
      headers: {
        'ratelimit-limit': String(perHour),
        'ratelimit-remaining': String(Math.max(0, perHour - taken.length)),
        'ratelimit-reset': String(Math.ceil(((taken[0] ?? now) + hourMs) / 1_000)),
        ...(refused ? { 'retry-after': String(Math.max(1, Math.ceil((freeAt - now) / 1_000))) } : {}),
      },
    }
  }
}

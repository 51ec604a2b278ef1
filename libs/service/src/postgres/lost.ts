import { types } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'

const lostStates = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '25P03'])
const lostCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTCONN',
  'EHOSTUNREACH',
  'ECONNABORTED',
])
const lostTexts =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Connection ended unexpectedly|not queryable/i

/** Whether the error says that Postgres went away or cannot be reached now, as opposed to refusing what was asked. */
export const isConnectionLost = (error: unknown): boolean => {
  if (!types.isNativeError(error)) return false
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && (lostStates.has(code) || lostCodes.has(code) || /^08...$/.test(code))) return true
  if (error instanceof AggregateError) return error.errors.some(isConnectionLost)
  return lostTexts.test(error.message)
}

export type RetryOptions = {
  readonly forMs?: number
  readonly signal?: AbortSignal
  readonly onRetry?: (error: unknown) => void
}

/**
 * Repeats `work` while Postgres is away, for at most `forMs` (default 15 s), waiting 50 ms and up with jitter. The work may have been
 * committed although its answer was lost, so it must be safe to repeat. Other errors pass at once.
 */
export const withRetry = async <T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> => {
  const deadline = Date.now() + (options.forMs ?? 15_000)
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isConnectionLost(error) || Date.now() >= deadline || options.signal?.aborted) throw error
      options.onRetry?.(error)
    }
    const waitMs = Math.min(50 * 2 ** attempt, 1000) * (0.5 + Math.random())
    await delay(
      Math.min(waitMs, Math.max(1, deadline - Date.now())),
      undefined,
      options.signal ? { signal: options.signal } : {},
    )
  }
}

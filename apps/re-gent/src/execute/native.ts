import { unreadableWords } from '@re-ops/operations'
import type { CallResult } from '@re-ops/protocols'
import { errorText } from '../log.ts'
import { aborted, failed, isCallFault } from './failed.ts'
import type { Call, Found, SpawnedBy } from './found.ts'

/** Runs a native form. `limit` begins its time once it takes more than this turn of the loop. */
export const runNative = async (
  call: Call,
  native: NonNullable<Found['native']>,
  by: SpawnedBy,
  timeoutMs: number,
  limit: (timeoutMs: number) => void,
): Promise<CallResult> => {
  const { signal } = by
  const { promise, resolve } = Promise.withResolvers<null>()
  const stop = () => resolve(null)
  const watch = () => {
    if (signal.aborted) return stop()
    limit(timeoutMs)
    signal.addEventListener('abort', stop)
  }
  // Most are done within this turn of the loop, and cost no timer and no listener.
  const soon = setImmediate(watch)
  try {
    // A native form that does not obey its signal must not hold the slot.
    const work = native(call.input, by).then(value => ({ value }))
    const done = await Promise.race([work, promise])
    return done ? { ok: true, value: done.value } : aborted(call, signal, timeoutMs)
  } catch (error) {
    if (signal.aborted) return aborted(call, signal, timeoutMs)
    if (isCallFault(error)) return error.result
    // As its shell form fails: `cat` of what cannot be read, or a parser that finds nothing in it.
    return (error as NodeJS.ErrnoException).code === undefined
      ? failed(call, 'invalid', unreadableWords(error))
      : failed(call, 'exit', errorText(error), { code: 1 })
  } finally {
    clearImmediate(soon)
    signal.removeEventListener('abort', stop)
  }
}

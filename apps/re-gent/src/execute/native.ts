import { unreadableWords } from '@re-ops/operations'
import type { CallResult } from '@re-ops/protocols'
import { errorText } from '../log.ts'
import { aborted, failed, isCallFault } from './failed.ts'
import type { Call, Found, SpawnedBy } from './found.ts'

/** Runs a native form. `limit` begins its time once it takes more than this turn of the loop. */
export const runNative = (
  call: Call,
  native: NonNullable<Found['native']>,
  by: SpawnedBy,
  timeoutMs: number,
  limit: (timeoutMs: number) => void,
): Promise<CallResult> => {
  const { signal } = by
  const { promise, resolve } = Promise.withResolvers<CallResult>()
  let isWatched = false
  const end = (result: CallResult): void => {
    clearImmediate(soon)
    if (isWatched) signal.removeEventListener('abort', stop)
    resolve(result)
  }
  const stop = () => end(aborted(call, signal, timeoutMs))
  const onError = (error: unknown): void => {
    if (signal.aborted) stop()
    else end(isCallFault(error) ? error.result : failureOf(call, error))
  }
  // Most are done within this turn of the loop, and cost no timer and no listener.
  const soon = setImmediate(() => {
    if (signal.aborted) return stop()
    limit(timeoutMs)
    signal.addEventListener('abort', stop)
    isWatched = true
  })
  try {
    // Not awaited: a native form that does not obey its signal must not hold the slot.
    native(call.input, by).then(value => end({ ok: true, value }), onError)
  } catch (error) {
    onError(error)
  }
  return promise
}

/** As its shell form fails: `cat` of what cannot be read, or a parser that finds nothing in it. */
const failureOf = (call: Call, error: unknown): CallResult =>
  (error as NodeJS.ErrnoException).code === undefined
    ? failed(call, 'invalid', unreadableWords(error))
    : failed(call, 'exit', errorText(error), { code: 1 })

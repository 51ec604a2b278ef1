import { brokenWords } from '@re-ops/operations'
import { jsonBytes } from '@re-ops/outputs'
import type { CallResult } from '@re-ops/protocols'
import { errorText } from '../log.ts'
import { aborted, failed, isCallFault, type AbortReason } from './failed.ts'
import { resultBytesMax, type AnyShell, type Call, type Found, type SpawnedBy } from './found.ts'
import { runNative } from './native.ts'
import { runShell } from './shell.ts'

const checked = (call: Call, found: Found, result: CallResult, bytesMax: number): CallResult => {
  if (!result.ok) return result
  const error = found.outputError(result.value)
  if (error !== null) return failed(call, 'invalid', brokenWords(call.operation, error))
  const size = jsonBytes(result.value)
  return size <= bytesMax
    ? result
    : failed(call, 'invalid', `the result has ${size} bytes; at most ${bytesMax} are allowed for this call`)
}

/** Does a call that `refusalOf` let through. Never throws; enforces the time and output limits. */
export const execute = async (
  found: Found,
  call: Call,
  controller: AbortController,
  around: Omit<SpawnedBy, 'signal'>,
): Promise<CallResult> => {
  const { signal } = controller
  const by = { signal, ...around }
  let timer: NodeJS.Timeout | undefined
  const limit = (timeoutMs: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => controller.abort('timeout' satisfies AbortReason), timeoutMs)
  }
  try {
    const bytesMax = resultBytesMax(call) - 8192
    if (found.plan) limit(call.timeoutMs)
    const shell = found.native ? undefined : (found.shell ?? (await found.plan?.(by)))
    const timeoutMs = Math.min(shell?.timeoutMs?.(call.input as never) ?? call.timeoutMs, call.timeoutMs)
    if (found.native) return checked(call, found, await runNative(call, found.native, by, timeoutMs, limit), bytesMax)
    if (timeoutMs < call.timeoutMs || timer === undefined) limit(timeoutMs)
    return checked(call, found, await runShell(call, shell as AnyShell, by, timeoutMs), bytesMax)
  } catch (error) {
    if (signal.aborted) return aborted(call, signal, call.timeoutMs)
    if (isCallFault(error)) return error.result
    return failed(call, 'invalid', `the operation cannot be prepared: ${errorText(error)}`)
  } finally {
    clearTimeout(timer)
  }
}

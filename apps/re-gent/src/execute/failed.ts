import type { CallResult, Failure, FailureKind } from '@re-ops/protocols'
import type { Call } from './found.ts'

/** A failure with all that is known of it, on its way up. */
export class CallFault extends Error {
  override readonly name = 'CallFault'
  readonly result: CallResult
  constructor(result: CallResult) {
    super(result.ok ? '' : result.failure.message)
    this.result = result
  }
}
/** By name: live modules are a program text of their own, with a class of their own. */
export const isCallFault = (error: unknown): error is CallFault => error instanceof Error && error.name === 'CallFault'
export type AbortReason = 'timeout' | 'cancelled' | 'stopping' | 'memory'

export const failed = (call: Call, kind: FailureKind, message: string, more: Partial<Failure> = {}): CallResult => ({
  ok: false,
  failure: { kind, message: message.slice(0, 2000), step: call.operation, callId: call.id, transport: 'zmq', ...more },
})

/** Characters of what a command wrote to its standard error that a failure tells. */
export const stderrTailChars = 4096

/** What is answered for a call whose signal was aborted, by the reason. */
export const aborted = (
  call: Call,
  signal: AbortSignal,
  timeoutMs: number,
  { stderr = '', ...kept }: { readonly stderr?: string; readonly outputRef?: string } = {},
): CallResult => {
  const tail = { ...(stderr === '' ? {} : { stderrTail: stderr.slice(-stderrTailChars) }), ...kept }
  const reason = signal.reason as AbortReason
  if (reason === 'timeout')
    return failed(call, 'timeout', `not done after ${timeoutMs} ms; its process group was killed`, {
      ...tail,
      started: 'yes',
    })
  if (reason === 'cancelled')
    return failed(call, 'cancelled', 'cancelled; its process group was killed', { ...tail, started: 'yes' })
  if (reason === 'memory') {
    const message =
      'it used more memory than commandMemoryBytesMax of the policy of this host; its process group was killed'
    return failed(call, 'exit', message, { ...tail, signal: 'SIGKILL', started: 'yes' })
  }
  return failed(call, 'lost', 'the agent stopped while it ran; its process group was killed', {
    ...tail,
    started: 'yes',
  })
}

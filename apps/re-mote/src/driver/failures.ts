import type { CallResult, Failure, RunStop, TransportName } from '@re-ops/protocols'
import type { ActiveCall, ActiveRun, CallTransport } from './types.ts'

const failed = (failure: Failure): CallResult => ({ ok: false, failure })

export const unreachable = (step: string, why: string, callId?: string, transport: TransportName = 'zmq'): CallResult =>
  failed({
    kind: 'unreachable',
    message: why,
    step,
    transport,
    started: 'no',
    ...(callId === undefined ? {} : { callId }),
  })

export const noSession = 'the host has no session'
export const noSsh = 'the host has no SSH settings'

/** Whether a host without a session is still waited for; else the reason to give up. */
export const awaits = ({ startedAt, waitOnlineMs }: ActiveRun): boolean =>
  waitOnlineMs > 0 && performance.now() < startedAt + waitOnlineMs
export const noSessionIn = ({ waitOnlineMs }: ActiveRun): string =>
  waitOnlineMs > 0 ? `${noSession}; it was waited for ${waitOnlineMs / 1000} s` : noSession

/** What is done here went over no transport. */
const wayOf = (transport: CallTransport): { transport?: TransportName } => (transport === 'here' ? {} : { transport })

/** Cancelled in time; `run` knows the rule, if it was one. */
export const cancelled = (
  { stop }: Pick<ActiveRun, 'stop'>,
  step: string,
  callId?: string,
  transport: CallTransport = 'zmq',
): CallResult =>
  failed({
    kind: 'cancelled',
    message: `cancelled before it was sent${stop ? `: ${stop.reason}` : ''}`,
    step,
    ...wayOf(transport),
    started: 'no',
    ...(callId === undefined ? {} : { callId }),
  })

/** Its turn never came. */
export const skipped = (step: string, { reason }: RunStop): CallResult =>
  failed({ kind: 'skipped', message: `its turn did not come: ${reason}`, step, started: 'no' })

export const rejected = (call: ActiveCall, why: string): CallResult =>
  failed({ kind: 'rejected', message: why, step: call.step, transport: 'zmq', callId: call.id, started: 'no' })

/** The deadline passed without an answer: it began if it was acknowledged, else nobody knows. */
export const lost = (call: ActiveCall, why: string): CallResult =>
  failed({
    kind: 'lost',
    message: why,
    step: call.step,
    ...wayOf(call.transport),
    callId: call.id,
    started: call.ackedAt === null ? 'unknown' : 'yes',
    ...(call.ackedAt === null ? {} : { ackedAt: call.ackedAt }),
  })

/** Of a call that was given up as lost: its host was asked later. */
export const neverBegun = ({ id, step }: Pick<ActiveCall, 'id' | 'step'>): CallResult =>
  unreachable(step, 'its host was asked later: it has not begun the call, and never will', id)

/** An agent's result with what it may have left out. */
export const completed = (call: ActiveCall, result: CallResult): CallResult =>
  result.ok
    ? result
    : failed({
        ...result.failure,
        callId: call.id,
        ...wayOf(call.transport),
        ...ruleOf(call, result.failure),
        ...(call.ackedAt === null || result.failure.ackedAt !== undefined ? {} : { ackedAt: call.ackedAt }),
      })

/** An agent does not know why it is told to cancel. */
const ruleOf = ({ target }: ActiveCall, { kind, message }: Failure): { message?: string } => {
  const { stop } = target.run
  return kind === 'cancelled' && stop && !message.includes(stop.reason) ? { message: `${message}: ${stop.reason}` } : {}
}

/** What it was asked as cannot be done: nothing was sent. */
export const invalid = ({ step, id, transport }: ActiveCall, why: string): CallResult =>
  failed({ kind: 'invalid', message: why, step, callId: id, ...wayOf(transport), started: 'no' })

import type { DeploymentHost, DeploymentPhase, Failure, HostRef } from '@re-ops/protocols'
import { SshRefused } from '../ssh/refused.ts'
import { HostFault } from './host-shell.ts'

/** How the work on one host ended. */
export type Ended =
  | { readonly ok: true; readonly changed: boolean; readonly said: string }
  | { readonly ok: false; readonly failure: Failure }
/** Takes note of each phase that begins. */
export type Phase = (phase: DeploymentPhase) => void

export const failed = (kind: Failure['kind'], message: string, step = 'deploy'): Ended => ({
  ok: false,
  failure: { kind, message: message.slice(0, 2_000), step },
})

const failureOf = (error: unknown, step: string, stopped: boolean): Ended => {
  if (stopped) return failed('lost', 'the service stopped meanwhile; do it again', step)
  if (error instanceof SshRefused) return failed('unreachable', error.message, step)
  if (error instanceof HostFault) {
    const ended = failed(error.kind, error.message, step) as Extract<Ended, { ok: false }>
    return error.code === undefined ? ended : { ok: false, failure: { ...ended.failure, code: error.code } }
  }
  throw error
}

/** Does the work of one host, noting its phases; never throws but for a bug, which ends that host as `lost`. */
export const onHost = async (
  host: HostRef,
  signal: AbortSignal,
  note: (now: DeploymentHost) => void,
  work: (phase: Phase) => Promise<Ended>,
  onBug: (error: unknown) => void,
): Promise<Ended> => {
  const from = performance.now()
  const phases: { phase: DeploymentPhase; ms: number }[] = []
  let current: { phase: DeploymentPhase; at: number } = { phase: 'waiting', at: from }
  const leave = () => {
    const now = performance.now()
    if (current.phase !== 'waiting') phases.push({ phase: current.phase, ms: Math.round(now - current.at) })
    return now
  }
  const phase: Phase = next => {
    current = { phase: next, at: leave() }
    note({ host, state: 'running', phase: next, phases: [...phases], ms: null })
  }
  const ended = await work(phase)
    .catch((error: unknown) => failureOf(error, current.phase, signal.aborted))
    .catch((error: unknown) => {
      onBug(error)
      return failed('lost', 'the service could not go on; its log says why', current.phase)
    })
  const ms = Math.round(leave() - from)
  const whole = { host, phases, ms }
  if (ended.ok) note({ ...whole, state: 'ok', phase: 'done', changed: ended.changed, said: ended.said })
  else note({ ...whole, state: ended.failure.kind, phase: current.phase, failure: ended.failure })
  return ended
}

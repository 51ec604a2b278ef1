import { type CallResult } from '@re-ops/protocols'
import type { Log } from '@re-ops/service'
import { execute, type AbortReason, type ExecuteDeps, type SshCall } from './execute.ts'
import type { SshHost } from './host.ts'

/** What the driver asks of a way to hosts: each call that is sent ends in exactly one `onEnd`. */
export type Transport = {
  send(call: SshCall): void
  cancel(id: string): void
}
export type SshTransport = Transport & {
  /** Ends what is under way; resolves when each call has had its end. */
  close(): Promise<void>
  readonly size: number
}
export type TransportDeps = ExecuteDeps & {
  readonly log: Log
  hostOf(id: string): Promise<SshHost | null>
  onStarted(id: string): void
  onEnd(id: string, result: CallResult): void
  /** The host was reached, or why it could not be. */
  onReach(host: string, why: string | null): void
}

type Live = { readonly controller: AbortController; readonly done: Promise<void> }

/** Calls over SSH. There is no journal on such a host: what is under way when the connection (or this process) goes is lost. */
export const makeSshTransport = (deps: TransportDeps): SshTransport => {
  const live = new Map<string, Live>()

  const work = async (call: SshCall, controller: AbortController): Promise<CallResult> => {
    const refused = (message: string): CallResult => ({
      ok: false,
      failure: { kind: 'unreachable', message, step: call.operation, callId: call.id, transport: 'ssh', started: 'no' },
    })
    try {
      const host = await deps.hostOf(call.host)
      if (!host) return refused('the host has no SSH settings')
      return await execute(deps, host, call, controller, () => {
        deps.onReach(call.host, null)
        deps.onStarted(call.id)
      })
    } catch (error) {
      deps.log.error({ err: error, call: call.id }, 'a call over SSH could not be begun')
      return refused('the settings of the host cannot be read now')
    }
  }
  const send = (call: SshCall): void => {
    const controller = new AbortController()
    const done = work(call, controller).then(result => {
      live.delete(call.id)
      const why = !result.ok && result.failure.kind === 'unreachable' ? result.failure.message : null
      if (why !== null && !controller.signal.aborted) {
        deps.log.info({ call: call.id, host: call.host, why }, 'a host is not reached over SSH')
        deps.onReach(call.host, why)
      }
      deps.onEnd(call.id, result)
    })
    live.set(call.id, { controller, done })
  }
  const abort = (id: string, reason: AbortReason) => live.get(id)?.controller.abort(reason)
  return {
    send,
    cancel: id => abort(id, 'cancelled'),
    get size() {
      return live.size
    },
    close: async () => {
      for (const id of live.keys()) abort(id, 'stopping')
      await Promise.all([...live.values()].map(one => one.done))
    },
  }
}

import { newId } from '@re-ops/protocols'
import type { Progress } from '@re-ops/pipelines'
import type { ActiveCall, ActiveTarget, HostCalls } from './types.ts'

export type CallProgress = Progress & { readonly kind: 'call' }
export const newCall = (
  target: ActiveTarget,
  progress: CallProgress,
  { reads, redeliveries = 0, id = newId() }: { reads: boolean; redeliveries?: number; id?: string },
): ActiveCall => ({
  id,
  target,
  operation: progress.operation,
  module: progress.module,
  input: progress.input,
  step: progress.step,
  cursor: progress.cursor,
  timeoutMs: progress.timeoutMs ?? target.run.timeoutMs,
  transport: progress.code === undefined ? (progress.via ?? target.transport) : 'here',
  code: progress.code,
  // What the catalogue says is of its own operations; a module may have one of the same name.
  reads: progress.module === undefined ? reads : progress.reads === true,
  redeliveries,
  state: 'queued',
  handed: false,
  epoch: null,
  ackedAt: null,
  deadline: Number.POSITIVE_INFINITY,
  extended: false,
  inLine: false,
  answered: false,
  late: null,
})

/** The calls under way, by id and by host, and how many each host has been sent. */
export type Flights = {
  get(id: string): ActiveCall | undefined
  of(host: string): HostCalls | undefined
  all(): Iterable<ActiveCall>
  readonly size: number
  add(call: ActiveCall): void
  /** Takes it away, and gives the next of its host a turn. */
  remove(call: ActiveCall): void
}

export const makeFlights = (onRoom: (call: ActiveCall) => void): Flights => {
  const calls = new Map<string, ActiveCall>()
  const byHost = new Map<string, HostCalls>()
  return {
    get: id => calls.get(id),
    of: host => byHost.get(host),
    all: () => calls.values(),
    get size() {
      return calls.size
    },
    add: call => {
      calls.set(call.id, call)
      call.target.call = call
      const { host } = call.target
      const there = byHost.get(host) ?? { calls: new Set(), inFlight: 0, inLine: [] }
      byHost.set(host, there)
      there.calls.add(call)
      if (call.handed) there.inFlight += 1
    },
    remove: call => {
      calls.delete(call.id)
      const there = byHost.get(call.target.host)
      if (!there?.calls.delete(call)) return
      if (call.handed) there.inFlight -= 1
      // One look at each, at most: who finds no room (the host has gone, say) stands in line again, and would for ever.
      for (let looks = there.inLine.length; looks > 0; looks -= 1) {
        const next = there.inLine.shift()
        if (!next) break
        next.inLine = false
        onRoom(next)
        if (next.handed) break
      }
      if (there.calls.size === 0) byHost.delete(call.target.host)
    },
  }
}

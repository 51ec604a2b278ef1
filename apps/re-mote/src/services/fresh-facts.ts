import { newId, type CreateRun } from '@re-ops/protocols'
import type { Log, Pool } from '@re-ops/service'
import { findStaleFacts, type StaleHost } from '../store/stale-facts.ts'

export type FreshFactsDeps = {
  readonly log: Log
  readonly pool: Pool
  /** Facts older than this are read again; 0: never. */
  readonly hours: number
  isOnline(host: string): boolean
  /** Calls under way, of whoever asked. */
  calls(): number
  /** Starts a run; resolves when it has ended. */
  run(body: CreateRun, asked: { readonly subject: string; readonly requestId: string }): Promise<unknown>
}
export type FreshFacts = {
  /** A host has said hello: its facts may be missing. Costs nothing; it is looked up a little later. */
  noteLive(): void
  close(): void
}

const subject = 're-mote'
/** Hellos gather for as long before somebody looks; then one batch after the other, with as much time between. */
const afterMs = 2_000
/** Facts of hosts that stay connected grow old, too. */
const lookEveryMs = 600_000
const batchMax = 50
/** While more calls than this are under way, facts wait: they never delay what somebody asked for. */
const callsMax = 200
const timeoutMs = 60_000
/** A host that did not answer is asked again after this. */
const againAfterMs = 900_000
const askedMax = 50_000

/**
 * Reads the facts of hosts that connect without any, and of those whose facts are old, so that selectors know them from the first minute:
 * a few hosts at a time, one run after the other.
 */
export const makeFreshFacts = (deps: FreshFactsDeps): FreshFacts => {
  const { log, pool, hours } = deps
  /** When each host was asked last. A host that answered is not found any more. */
  const asked = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const wake = (ms: number) => {
    if (hours === 0 || isClosed || timer !== undefined) return
    timer = setTimeout(() => {
      void look()
        .catch((error: unknown) => {
          log.debug({ err: error }, 'facts cannot be refreshed now')
          return false
        })
        .then(isMore => {
          timer = undefined
          if (isMore) wake(afterMs)
        })
    }, ms)
    timer.unref()
  }
  /** Whether to look again soon. */
  const look = async (): Promise<boolean> => {
    if (deps.calls() > callsMax) return true
    const now = performance.now()
    const stale = await findStaleFacts(pool, { hours, limit: batchMax + asked.size })
    const due = stale.filter(({ id }) => deps.isOnline(id) && now - (asked.get(id) ?? -againAfterMs) >= againAfterMs)
    if (due.length === 0 || isClosed) return false
    await collect(due.slice(0, batchMax), now)
    return true
  }
  const collect = async (hosts: readonly StaleHost[], now: number) => {
    if (asked.size > askedMax) asked.clear()
    for (const { id } of hosts) asked.set(id, now)
    const on = hosts.map(host => host.name).join(' or ')
    const body = { on, pipeline: { kind: 'call', operation: 'facts', input: {} }, timeoutMs, allowNone: true }
    await deps.run(body, { subject, requestId: newId() })
    for (const [id, at] of asked) if (now - at >= againAfterMs) asked.delete(id)
  }

  const old = setInterval(() => wake(0), lookEveryMs)
  old.unref()
  return {
    noteLive: () => wake(afterMs),
    close: () => {
      isClosed = true
      clearTimeout(timer)
      clearInterval(old)
    },
  }
}

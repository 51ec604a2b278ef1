import type { DriverDeps } from './deps.ts'
import { driverLimits } from './limits.ts'

export type Settle = (pairs: readonly { readonly host: string; readonly id: string }[]) => void
export type Settling = {
  readonly settle: Settle
  /** What a call to this host can say along with it; then it is said. */
  along(host: string): readonly string[] | undefined
}

/**
 * Tells agents that results are committed. Nobody waits for it, so it is told with the next call to the host; to hosts that get none it is told later,
 * for all results of a host in one message, and to few hosts at a time: a fan-out must not stand behind the settling of the one before. Who is away
 * repeats its results, and is told then.
 */
export const makeSettle = (deps: Pick<DriverDeps, 'epochOf' | 'send' | 'settleBeforeCommit'>): Settling => {
  const { epochOf, send } = deps
  // In the order of time: who is told leaves, and comes in again at the end.
  const waiting = new Map<string, { readonly ids: string[]; readonly at: number }>()
  let timer: NodeJS.Timeout | undefined
  const { settleEveryMs, settleHostsMax, settledIdsMax, settledAlongMax } = driverLimits
  const settleDelayMs = deps.settleBeforeCommit ? 0 : driverLimits.settleDelayMs
  const tell = () => {
    const now = performance.now()
    let [told, restMs]: [number, number] = [0, settleEveryMs]
    for (const [host, { ids, at }] of waiting) {
      restMs = Math.max(settleEveryMs, at + settleDelayMs - now)
      if (told === settleHostsMax || restMs > settleEveryMs) break
      told += 1
      waiting.delete(host)
      const epoch = epochOf(host)
      if (epoch === undefined) continue
      for (let at = 0; at < ids.length; at += settledIdsMax)
        send(host, epoch, [{ kind: 'call.settled', body: { ids: ids.slice(at, at + settledIdsMax) } }])
    }
    timer = waiting.size > 0 ? setTimeout(tell, restMs) : undefined
  }
  return {
    settle: pairs => {
      const at = performance.now()
      for (const { host, id } of pairs) {
        const there = waiting.get(host)
        if (there) there.ids.push(id)
        else waiting.set(host, { ids: [id], at })
      }
      if (waiting.size > 0) timer ??= setTimeout(tell, settleDelayMs)
    },
    along: host => {
      const there = waiting.get(host)
      if (there === undefined || there.ids.length > settledAlongMax) return undefined
      waiting.delete(host)
      return there.ids
    },
  }
}

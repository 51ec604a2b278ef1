import type { DriverDeps } from './deps.ts'
import { driverLimits } from './limits.ts'

export type Settle = (pairs: readonly { readonly host: string; readonly id: string }[]) => void

/**
 * Tells agents that results are committed. Nobody waits for it, so it is told later, for all results of a host in one message, and to few hosts at a
 * time: a fan-out must not stand behind the settling of the one before. Who is away repeats its results, and is told then.
 */
export const makeSettle = ({ epochOf, send }: Pick<DriverDeps, 'epochOf' | 'send'>): Settle => {
  const waiting = new Map<string, string[]>()
  let timer: NodeJS.Timeout | undefined
  const { settleDelayMs, settleEveryMs, settleHostsMax, settledIdsMax } = driverLimits
  const tell = () => {
    let told = 0
    for (const [host, ids] of waiting) {
      if (told === settleHostsMax) break
      told += 1
      waiting.delete(host)
      const epoch = epochOf(host)
      if (epoch === undefined) continue
      for (let at = 0; at < ids.length; at += settledIdsMax)
        send(host, epoch, [{ kind: 'call.settled', body: { ids: ids.slice(at, at + settledIdsMax) } }])
    }
    timer = waiting.size > 0 ? setTimeout(tell, settleEveryMs) : undefined
  }
  return pairs => {
    for (const { host, id } of pairs) {
      const ids = waiting.get(host)
      if (ids) ids.push(id)
      else waiting.set(host, [id])
    }
    timer ??= setTimeout(tell, settleDelayMs)
  }
}

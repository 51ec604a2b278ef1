import type { DriverDeps } from './deps.ts'
import { driverLimits } from './limits.ts'

export type Settle = (pairs: readonly { readonly host: string; readonly id: string }[]) => void

/**
 * Tells agents that results are committed, one message per host and `settleDelayMs`: nobody waits for it, so what hosts are asked to do goes
 * first. Who is away repeats its results, and is told then.
 */
export const makeSettle = ({ epochOf, send }: Pick<DriverDeps, 'epochOf' | 'send'>): Settle => {
  let waiting = new Map<string, string[]>()
  let timer: NodeJS.Timeout | undefined
  const tell = () => {
    timer = undefined
    const told = waiting
    waiting = new Map()
    for (const [host, ids] of told) {
      const epoch = epochOf(host)
      if (epoch !== undefined) send(host, epoch, [{ kind: 'call.settled', body: { ids } }])
    }
  }
  return pairs => {
    for (const { host, id } of pairs) {
      const ids = waiting.get(host)
      if (ids) ids.push(id)
      else waiting.set(host, [id])
    }
    timer ??= setTimeout(tell, driverLimits.settleDelayMs)
  }
}

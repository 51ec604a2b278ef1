import type { DriverDeps } from './deps.ts'

export type Settle = (pairs: readonly { readonly host: string; readonly id: string }[]) => void

/** Tells agents that results are committed, one message per host. Who is away repeats its results, and is told then. */
export const makeSettle =
  ({ epochOf, send }: Pick<DriverDeps, 'epochOf' | 'send'>): Settle =>
  pairs => {
    for (const [host, ids] of Map.groupBy(pairs, pair => pair.host)) {
      const epoch = epochOf(host)
      if (epoch !== undefined) send(host, epoch, [{ kind: 'call.settled', body: { ids: ids.map(one => one.id) } }])
    }
  }

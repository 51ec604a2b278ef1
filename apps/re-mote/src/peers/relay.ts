import { newId } from '@re-ops/protocols'
import type { Log, Pool } from '@re-ops/service'
import type { ServiceSays } from '../broker/port.ts'
import { makeBatcher } from '../services/batcher.ts'
import { putRelay, takeRelay } from '../store/relay.ts'
import { together } from '../zmq/together.ts'
import type { PeerSays } from './words.ts'

export type RelayDeps = {
  readonly log: Log
  readonly pool: Pool
  readonly replica: string
  onSaid(from: string, item: PeerSays): void
}
export type Relay = {
  /** False when too much waits already: it was not said. */
  say(to: string, item: PeerSays): boolean
  /** There may be something for us. */
  wake(): void
  drained(): Promise<void>
}

const waitingMax = 100_000
const itemsMax = 2_000

/** Batches to and from the other services, through Postgres. */
export const makeRelay = ({ log, pool, replica, onSaid }: RelayDeps): Relay => {
  const out = makeBatcher<{ readonly to: string; readonly item: PeerSays }>({
    name: 'relay',
    log,
    itemsMax,
    newBatchId: newId,
    flush: async batch => {
      const byPeer = [...Map.groupBy(batch, one => one.to)]
      const items = (said: typeof batch) => joined(said.map(one => one.item))
      await putRelay(
        pool,
        replica,
        byPeer.map(([to, said]) => ({ to, items: items(said) })),
      )
      return () => undefined
    },
    onRefused: () => undefined,
  })
  let [reading, again] = [false, false]
  const read = async (): Promise<void> => {
    for (let isMore = true; isMore || again;) {
      again = false
      const taken = await takeRelay(pool, replica)
      isMore = taken.isMore
      for (const { from, items } of taken.batches) for (const item of items) onSaid(from, item as PeerSays)
    }
  }
  return {
    say: (to, item) => {
      if (out.length >= waitingMax) return false
      out.put({ to, item })
      return true
    },
    wake: () => {
      again = true
      if (reading) return
      reading = true
      read()
        .catch((error: unknown) => log.warn({ err: error }, 'what other services said cannot be read now'))
        .finally(() => (reading = false))
    },
    drained: out.drained,
  }
}

/** Calls of one shape are said together, as to a broker. */
const joined = (items: readonly PeerSays[]): readonly unknown[] => together(items as readonly ServiceSays[])

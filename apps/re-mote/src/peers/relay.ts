import { newId } from '@re-ops/protocols'
import type { Log, Pool } from '@re-ops/service'
import type { ServiceSays } from '../broker/port.ts'
import { makeBatcher } from '../services/batcher.ts'
import { putRelay, readRelay, type Incoming } from '../store/relay.ts'
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
/** A batch comes twice when its sender did not hear that it was stored: at once, or when Postgres is back. */
const batchesKnownMax = 10_000

/**
 * Batches to and from the other services, through Postgres; each is acted on once in the life of this process, also when the answer of a statement was
 * lost. A later life throws away what was for this one, and asks anew.
 */
export const makeRelay = ({ log, pool, replica, onSaid }: RelayDeps): Relay => {
  const out = makeBatcher<{ readonly to: string; readonly item: PeerSays }>({
    name: 'relay',
    log,
    itemsMax,
    newBatchId: newId,
    flush: async (batch, id) => {
      const byPeer = [...Map.groupBy(batch, one => one.to)]
      const to = byPeer.map(([peer, said]) => ({ to: peer, items: joined(said.map(one => one.item)) }))
      await putRelay(pool, { from: replica, batch: id, to })
      return () => undefined
    },
    onRefused: () => undefined,
  })
  let [reading, again] = [false, false]
  /** Rows that were acted on; they are deleted with the next look. */
  let done: readonly string[] = []
  const known = new Set<string>()
  const isNew = ({ batch }: Incoming): boolean => {
    if (batch === null) return true
    if (known.has(batch)) return false
    known.add(batch)
    if (known.size > batchesKnownMax) known.delete(known.values().next().value as string)
    return true
  }
  const read = async (): Promise<void> => {
    for (let isMore = true; isMore || again;) {
      again = false
      const found = await readRelay(pool, replica, done)
      isMore = found.isMore
      done = found.batches.map(one => one.id)
      for (const one of found.batches) if (isNew(one)) for (const item of one.items) onSaid(one.from, item as PeerSays)
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

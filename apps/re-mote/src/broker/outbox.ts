/**
 * Collects what is said in one turn of the event loop and sends it as one batch. When much is said, turns are short and batches would be small, each
 * of them a wake-up of the other process: then a batch gathers for `gatherMs`.
 */
export type Outbox<T> = {
  say(item: T): void
  readonly length: number
  /** Resolves when the other side takes batches fast enough again; at once when it does. */
  room(): Promise<void> | undefined
}

const busyItems = 4
const gatherMs = 4

export const makeOutbox = <T>(
  send: (batch: readonly T[], done: () => void) => void,
  { batchesUnderWayMax, soon = setImmediate }: { batchesUnderWayMax: number; soon?: (flush: () => void) => void },
): Outbox<T> => {
  let items: T[] = []
  let underWay = 0
  let waiting: PromiseWithResolvers<void> | undefined
  let [flushedAt, flushed] = [0, 0]
  const flush = () => {
    const batch = items
    items = []
    underWay += 1
    flushedAt = performance.now()
    flushed = batch.length
    send(batch, () => {
      underWay -= 1
      if (underWay < batchesUnderWayMax) {
        waiting?.resolve()
        waiting = undefined
      }
    })
  }
  return {
    say: item => {
      items.push(item)
      if (items.length > 1) return
      const isBusy = flushed >= busyItems && performance.now() - flushedAt < gatherMs
      if (isBusy) setTimeout(flush, gatherMs)
      else soon(flush)
    },
    get length() {
      return items.length
    },
    room: () => {
      if (underWay < batchesUnderWayMax) return undefined
      waiting ??= Promise.withResolvers<void>()
      return waiting.promise
    },
  }
}

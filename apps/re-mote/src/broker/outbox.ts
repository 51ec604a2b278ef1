/** Collects what is said in one turn of the event loop and sends it as one batch. */
export type Outbox<T> = {
  say(item: T): void
  readonly length: number
  /** Resolves when the other side takes batches fast enough again; at once when it does. */
  room(): Promise<void> | undefined
}

export const makeOutbox = <T>(
  send: (batch: readonly T[], done: () => void) => void,
  { batchesUnderWayMax }: { batchesUnderWayMax: number },
): Outbox<T> => {
  let items: T[] = []
  let underWay = 0
  let waiting: PromiseWithResolvers<void> | undefined
  const flush = () => {
    const batch = items
    items = []
    underWay += 1
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
      if (items.length === 1) setImmediate(flush)
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

import { isConnectionLost, type Log } from '@re-ops/service'

export type Batcher<T> = {
  put(item: T): void
  readonly length: number
  /** Resolves when all that was put is committed. */
  drained(): Promise<void>
}
export type BatcherOptions<T> = {
  readonly name: string
  readonly log: Log
  readonly itemsMax: number
  /** How big items are, where they can be big: batches end at `bytesMax`, whatever `itemsMax` allows. */
  bytesOf?(item: T): number
  readonly bytesMax?: number
  /** Told whenever the bytes that wait, or are being written, change. */
  onBytes?(bytes: number): void
  /**
   * Writes the batch in one statement; answers what to do once it is committed. Repeated with the same batch after a lost connection, so it
   * must be safe to repeat; `again` says that it is.
   */
  flush(batch: readonly T[], batchId: string, again: boolean): Promise<() => void>
  /** An item that Postgres refuses for what it is; the others of its batch are written without it. */
  onRefused(item: T, error: unknown): void
  /** Under load, the least time from the start of one batch to that of the next: each costs as much as many of its items. */
  readonly gatherMs?: number
  /** An item that somebody waits for by itself: nothing gathers behind it. */
  isUrgent?(item: T): boolean
  readonly newBatchId: () => string
  onFlushed?(items: number, ms: number): void
}

const retryMinMs = 50
const retryMaxMs = 2_000
/** A batch of fewer is no load. */
const busyItems = 8

/**
 * Group commit: one writer that writes what has gathered as soon as the previous batch is done. Alone, an item waits for nothing; under load,
 * batches grow by themselves, and may gather for `gatherMs`. While Postgres is away the batch is kept and tried again for as long as it takes.
 */
export const makeBatcher = <T>(options: BatcherOptions<T>): Batcher<T> => {
  const waiting: T[] = []
  let running = false
  let idle = Promise.withResolvers<void>()
  idle.resolve()

  const flushOne = async (batch: readonly T[]): Promise<void> => {
    const id = options.newBatchId()
    const from = performance.now()
    for (let attempt = 0; ; attempt += 1) {
      let committed: () => void
      try {
        committed = await options.flush(batch, id, attempt > 0)
      } catch (error) {
        if (!isConnectionLost(error)) return refused(batch, error)
        if (attempt === 0) options.log.warn({ err: error, batch: options.name }, 'Postgres is away; the batch is kept')
        const waitMs = Math.min(retryMaxMs, retryMinMs * 2 ** attempt) * (0.5 + Math.random() / 2)
        await new Promise(resolve => setTimeout(resolve, waitMs))
        continue
      }
      options.onFlushed?.(batch.length, performance.now() - from)
      return committed()
    }
  }
  const refused = async (batch: readonly T[], error: unknown): Promise<void> => {
    const [only] = batch
    if (batch.length === 1 && only !== undefined) {
      options.log.error({ err: error, batch: options.name }, 'Postgres refuses an item')
      return options.onRefused(only, error)
    }
    const middle = Math.ceil(batch.length / 2)
    await flushOne(batch.slice(0, middle))
    await flushOne(batch.slice(middle))
  }
  const {
    bytesOf = () => 0,
    bytesMax = Number.POSITIVE_INFINITY,
    itemsMax,
    gatherMs = 0,
    isUrgent = () => false,
  } = options
  let bytes = 0
  let [begunAt, begunItems] = [0, 0]
  let gathering: PromiseWithResolvers<void> | undefined
  const isFull = () => waiting.length >= itemsMax || bytes >= bytesMax
  /** Waits for more, when the last batch says that more will come. */
  const gathered = async (): Promise<void> => {
    const restMs = begunAt + gatherMs - performance.now()
    if (restMs <= 0 || begunItems < busyItems || isFull() || waiting.some(isUrgent)) return
    gathering = Promise.withResolvers<void>()
    const timer = setTimeout(gathering.resolve, restMs)
    await gathering.promise
    clearTimeout(timer)
    gathering = undefined
  }
  const count = (change: number) => {
    if (change === 0) return
    bytes += change
    options.onBytes?.(bytes)
  }
  const next = (): { batch: T[]; size: number } => {
    let [items, size] = [0, 0]
    for (; items < waiting.length && items < itemsMax && size < bytesMax; items += 1)
      size += bytesOf(waiting[items] as T)
    const batch = waiting.splice(0, items)
    ;[begunAt, begunItems] = [performance.now(), items]
    return { batch, size }
  }
  const run = async () => {
    while (waiting.length > 0) {
      await gathered()
      const { batch, size } = next()
      await flushOne(batch)
      count(-size)
    }
    running = false
    idle.resolve()
  }
  return {
    put: item => {
      waiting.push(item)
      count(bytesOf(item))
      if (gathering && (isUrgent(item) || isFull())) gathering.resolve()
      if (running) return
      running = true
      idle = Promise.withResolvers<void>()
      // What else this message (or whatever else is being handled) brings goes into the same batch.
      queueMicrotask(() => void run())
    },
    get length() {
      return waiting.length
    },
    drained: () => idle.promise,
  }
}

import type { Log } from './log.ts'

/** Counts what is dropped. Told at once, then for all of a while in one line: who sends rubbish must not fill the disk with it. */
export type Drops = { count(why: string): void; close(): void }

const tellEveryMs = 5_000

export const makeDrops = (log: Log, everyMs = tellEveryMs): Drops => {
  let [count, last] = [0, '']
  let timer: NodeJS.Timeout | undefined
  const tell = (): void => {
    timer = undefined
    if (count === 0) return
    log.warn('messages of the broker are dropped', { messagesDropped: count, why: last })
    count = 0
    timer = setTimeout(tell, everyMs)
  }
  return {
    count: why => {
      count += 1
      last = why
      if (timer === undefined) tell()
    },
    close: () => {
      clearTimeout(timer)
      tell()
      clearTimeout(timer)
    },
  }
}

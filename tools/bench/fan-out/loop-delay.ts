import type { TestMote } from '@re-ops/re-mote/testing'
import { metricOf } from './metric.ts'

const everyMs = 1_000
const metric = 'mote_broker_loop_delay_p99_ms'

/** Looks once a second at how late the broker's event loop is (p99 of that second); `stop` gives the worst of all. */
export const watchLoopDelay = (mote: TestMote): { stop(): Promise<number> } => {
  let worstMs = 0
  let looking: Promise<void> = Promise.resolve()
  const look = async (): Promise<void> => {
    worstMs = Math.max(worstMs, await metricOf(mote, metric))
  }
  const timer = setInterval(() => {
    looking = looking.then(look)
    looking.catch(() => clearInterval(timer)) // told by stop
  }, everyMs)
  return {
    stop: async () => {
      clearInterval(timer)
      await looking
      await look()
      return worstMs
    },
  }
}

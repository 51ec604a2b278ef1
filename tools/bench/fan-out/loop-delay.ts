import type { TestMote } from '@re-ops/re-mote/testing'

const everyMs = 1_000
const metric = 'mote_broker_loop_delay_p99_ms'

/** Looks once a second at how late the broker's event loop is (p99 of that second); `stop` gives the worst of all. */
export const watchLoopDelay = (mote: TestMote): { stop(): Promise<number> } => {
  let worstMs = 0
  let looking: Promise<void> = Promise.resolve()
  const look = async (): Promise<void> => {
    const text = await (await fetch(`${mote.url}/metrics`)).text()
    const value = new RegExp(`^${metric}(?:{[^}]*})? ([0-9.e+-]+)$`, 'm').exec(text)?.[1]
    if (value === undefined) throw new Error(`/metrics has no ${metric}`)
    worstMs = Math.max(worstMs, Number(value))
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

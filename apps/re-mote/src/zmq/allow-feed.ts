import { isConnectionLost, type Log, type Pool } from '@re-ops/service'
import type { AllowEntry, ServiceSays } from '../broker/port.ts'
import { readAllowList } from '../store/hosts.ts'

export type AllowFeed = {
  /** Something changed: reads what is new by version. */
  changed(): void
  /** Reads all. */
  reload(): Promise<void>
  /** Tells a new broker what was read last, and how old that is. */
  resend(): void
  say(entries: readonly AllowEntry[]): void
  close(): void
}

const reloadMs = 30_000
/** Versions are given before their transaction commits, so some may become visible later than higher ones. */
const versionsOverlap = 1_000

/** Feeds the broker's allow-list from Postgres. */
export const makeAllowFeed = (deps: { log: Log; pool: Pool; say(item: ServiceSays): void }): AllowFeed => {
  const known = new Map<string, AllowEntry>()
  let version = 0
  let readAt = Number.NEGATIVE_INFINITY
  let [reading, again] = [false, false]

  const say = (entries: readonly AllowEntry[], full: boolean, ageMs: number) =>
    deps.say({ kind: 'allow', full, ageMs, entries })
  const read = async (full: boolean): Promise<void> => {
    const from = performance.now()
    const list = await readAllowList(deps.pool, full ? 0 : Math.max(0, version - versionsOverlap))
    if (full) known.clear()
    version = Math.max(version, list.version)
    for (const entry of list.entries) known.set(entry.key, entry)
    readAt = from
    say(list.entries, full, performance.now() - from)
  }
  const readLoop = async () => {
    if (reading) {
      again = true
      return
    }
    reading = true
    try {
      do {
        again = false
        await read(false)
      } while (again)
    } catch (error) {
      report(error)
    } finally {
      reading = false
    }
  }
  const report = (error: unknown) => {
    if (!isConnectionLost(error)) deps.log.error({ err: error }, 'the allow-list cannot be read')
    else
      deps.log.warn({ err: error }, 'the allow-list cannot be read now; new handshakes are refused when it is too old')
  }
  const reload = () => read(true).catch(report)
  const timer = setInterval(() => void reload(), reloadMs)
  return {
    changed: () => void readLoop(),
    reload,
    resend: () => {
      if (known.size > 0) say([...known.values()], true, performance.now() - readAt)
    },
    say: entries => say(entries, false, Math.max(0, performance.now() - readAt)),
    close: () => clearInterval(timer),
  }
}

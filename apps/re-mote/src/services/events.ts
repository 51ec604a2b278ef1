import type { Host, Run, RunSummary, Target } from '@re-ops/protocols'
import type { Log } from '@re-ops/service'

export type RunListener = {
  target(target: Target): void
  done(summary: RunSummary): void
  /** The host has begun its call, or the next one. */
  began?(host: string): void
}
/** What a listener is not given it is not told, and it is not read for it. */
export type HubListener = { host?(host: Host): void; run?(run: Run): void }
export type Hub = {
  listenToRun(run: string, listener: RunListener): () => void
  listen(listener: HubListener): () => void
  target(run: string, target: Target): void
  began(run: string, host: string): void
  done(run: string, summary: RunSummary): void
  runChanged(run: string): void
  hostChanged(host: string): void
  close(): void
}
export type HubDeps = {
  readonly log: Log
  readHosts(ids: readonly string[]): Promise<Host[]>
  readRuns(ids: readonly string[]): Promise<Run[]>
}

const gatherMs = 50

/** Changes gather for a moment and are read once, so that a thousand hellos are few queries. */
const makeGatherer = (tell: (ids: readonly string[]) => Promise<void>) => {
  let changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    timer = undefined
    const ids = [...changed]
    changed = new Set()
    void tell(ids)
  }
  return {
    add: (id: string) => {
      changed.add(id)
      timer ??= setTimeout(flush, gatherMs)
    },
    close: () => clearTimeout(timer),
  }
}

/** Tells who listens. */
export const makeHub = (deps: HubDeps): Hub => {
  const runs = new Map<string, Set<RunListener>>()
  const all = new Set<HubListener>()
  const report = (error: unknown) =>
    deps.log.warn({ err: error }, 'changes could not be read for the event stream; listeners poll')
  const hosts = makeGatherer(async ids => {
    try {
      for (const host of await deps.readHosts(ids)) for (const listener of all) listener.host?.(host)
    } catch (error) {
      report(error)
    }
  })
  const changedRuns = makeGatherer(async ids => {
    try {
      for (const run of await deps.readRuns(ids)) for (const listener of all) listener.run?.(run)
    } catch (error) {
      report(error)
    }
  })
  const listensTo = (kind: keyof HubListener) => [...all].some(listener => listener[kind] !== undefined)
  const runChanged = (run: string) => listensTo('run') && changedRuns.add(run)
  return {
    listenToRun: (run, listener) => {
      const there = runs.get(run) ?? new Set()
      runs.set(run, there.add(listener))
      return () => {
        there.delete(listener)
        if (there.size === 0 && runs.get(run) === there) runs.delete(run)
      }
    },
    listen: listener => {
      all.add(listener)
      return () => void all.delete(listener)
    },
    target: (run, target) => runs.get(run)?.forEach(listener => listener.target(target)),
    began: (run, host) => runs.get(run)?.forEach(listener => listener.began?.(host)),
    done: (run, summary) => {
      runs.get(run)?.forEach(listener => listener.done(summary))
      runChanged(run)
    },
    runChanged,
    hostChanged: host => listensTo('host') && hosts.add(host),
    close: () => {
      hosts.close()
      changedRuns.close()
    },
  }
}

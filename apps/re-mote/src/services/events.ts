import type { Host, RunSummary, Target } from '@re-ops/protocols'
import type { Log } from '@re-ops/service'

export type RunListener = { target(target: Target): void; done(summary: RunSummary): void }
export type HubListener = { host(host: Host): void; run(run: string): void }
export type Hub = {
  listenToRun(run: string, listener: RunListener): () => void
  listen(listener: HubListener): () => void
  target(run: string, target: Target): void
  done(run: string, summary: RunSummary): void
  runChanged(run: string): void
  hostChanged(host: string): void
  close(): void
}

const hostDelayMs = 50

/** Tells who listens. Changes of hosts gather for a moment and are read once, so that a thousand hellos are few queries. */
export const makeHub = (deps: { readonly log: Log; readHosts(ids: readonly string[]): Promise<Host[]> }): Hub => {
  const runs = new Map<string, Set<RunListener>>()
  const all = new Set<HubListener>()
  let changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const tellHosts = async () => {
    timer = undefined
    const ids = [...changed]
    changed = new Set()
    try {
      for (const host of await deps.readHosts(ids)) for (const listener of all) listener.host(host)
    } catch (error) {
      deps.log.warn({ err: error }, 'changes of hosts could not be read for the event stream; listeners poll')
    }
  }
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
    done: (run, summary) => {
      runs.get(run)?.forEach(listener => listener.done(summary))
      all.forEach(listener => listener.run(run))
    },
    runChanged: run => all.forEach(listener => listener.run(run)),
    hostChanged: host => {
      if (all.size === 0) return
      changed.add(host)
      timer ??= setTimeout(() => void tellHosts(), hostDelayMs)
    },
    close: () => clearTimeout(timer),
  }
}

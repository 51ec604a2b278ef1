import { residentBytes } from '@re-ops/live/runner'

/** Looks at a process and its descendants until it is told to stop; `onOver` once, when they have more than that resident. */
export type WatchMemory = (pid: number, bytesMax: number, onOver: () => void) => () => void

/** What is taken between two looks is not seen; a cgroup would, where one may be made. */
const lookEveryMs = 100

export const watchMemory: WatchMemory = (pid, bytesMax, onOver) => {
  const timer = setInterval(() => {
    if (residentBytes(pid) <= bytesMax) return
    clearInterval(timer)
    onOver()
  }, lookEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}

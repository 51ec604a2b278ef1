/**
 * Milliseconds of the monotonic clock, from the start of the process. The global `performance` is the same clock, but its
 * first use loads all of `perf_hooks` into an agent that is otherwise idle.
 */
export const nowMs = (): number => process.uptime() * 1000

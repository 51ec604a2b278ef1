/** Limits of the processes that run live modules, stated once. Bytes, counts, milliseconds. */
export const runnerLimits = {
  /** How often the memory of a process that works is looked at. What it takes between two looks it may have. */
  memoryEveryMs: 100,
  /** Processes with a module in them; the one that was idle longest makes room. */
  warmMax: 4,
  /** An idle process is ended after this, the one that waits without a module too. */
  idleMs: 60_000,
  /** A fresh process takes 40 ms to start, so one waits ready; it is started this long after the last was taken. */
  spareAfterMs: 1_000,
  startWithinMs: 15_000,
  /** How long a native form may take to obey its signal. */
  abortGraceMs: 250,
  stderrTailMax: 4_096,
} as const

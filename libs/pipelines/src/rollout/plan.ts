import type { RunControl } from '@re-ops/protocols'

/** The rules of a run's turns in numbers of hosts. */
export type RolloutPlan = {
  readonly expected: number
  /** How many go first; 0: none do. */
  readonly canary: number
  readonly canaryFailuresMax: number
  /** Hosts in a batch that ends before the next begins; null: there are no batches. */
  readonly serial: number | null
  /** Places: hosts that have begun and have not left theirs. */
  readonly placesMax: number
  /** How long after its end a host keeps its place. */
  readonly keepsPlaceMs: number
  readonly failuresMax: number
  readonly cancelRunning: boolean
}

/** Thousandths of a percent, so that 29 % of 100 are 29. */
const partOf = (share: number | string, whole: number): number =>
  typeof share === 'number' ? share : Math.floor((Math.round(Number.parseFloat(share) * 1000) * whole) / 100_000)
/** At most the share, but at least one: nothing would ever begin. */
const some = (share: number | string, whole: number): number => Math.max(1, partOf(share, whole))

/** What the rules come to with so many hosts. Shares are rounded down. */
export const planRollout = (control: RunControl, expected: number): RolloutPlan => {
  const { batch, serial, concurrency, maxFailures } = control
  const canary = control.canary === undefined ? 0 : Math.min(expected, some(control.canary, expected))
  return {
    expected,
    canary,
    // Not one host has shown that it works when every canary has failed, whatever is allowed.
    canaryFailuresMax: Math.min(maxFailures === undefined ? 0 : partOf(maxFailures, canary), Math.max(0, canary - 1)),
    serial: serial === undefined ? null : some(serial, expected),
    placesMax: Math.min(batch === undefined ? Infinity : some(batch, expected), concurrency ?? Infinity),
    keepsPlaceMs: control.batchWaitMs ?? 0,
    failuresMax: maxFailures === undefined ? Infinity : partOf(maxFailures, expected),
    cancelRunning: control.cancelRunning === true,
  }
}

import type { WindowPoint } from '@re-ops/service'
import { aims, type Aim } from './aims.ts'
import type { Verdict } from './check.ts'
import { partKinds } from './killer.ts'
import type { PartKind } from './parts.ts'

export type Fault = 'ack-before-commit' | 'no-journal' | 'no-fence'

/** How hard a run is; the short form is for CI, with the same rules. */
export type Plan = {
  readonly seed: number
  readonly kills: number
  readonly creates: number
  readonly systems: number
  readonly runsPerSecond: number
  readonly pauseMs: readonly [number, number]
  readonly fault: Fault | undefined
  /** Which parts are killed at random moments. */
  readonly kinds: readonly PartKind[]
  readonly aims: readonly Aim[]
  /** Of the kills, those that are aimed. */
  readonly aimedShare: number
  /** Of the others, those that come in a hurry. */
  readonly hurriedShare: number
  /** Held open in every run alike, with a seeded bug and without: what makes a run fail is the bug and not the window. */
  readonly windows: Readonly<Record<WindowPoint, number>>
  readonly settleWithinMs: number
  /** A killed agent stays down for 5 s on purpose, its host unreachable: much of a short run, little of a long one. */
  readonly okShareMin: number
}
type Form = Omit<Plan, 'seed' | 'fault'>

const rules = {
  runsPerSecond: 24,
  kinds: partKinds,
  aims,
  hurriedShare: 0.3,
  // Long enough for a kill to find it held.
  windows: { commit: 2_500, 'create.sent': 1_000, 'create.answered': 1_500, 'destroy.after': 1_000 },
  settleWithinMs: 60_000,
} as const

export const fullForm: Form = {
  ...rules,
  kills: 50,
  creates: 120,
  systems: 6,
  pauseMs: [1_200, 3_200],
  aimedShare: 0.4,
  okShareMin: 0.8,
}
export const shortForm: Form = {
  ...rules,
  kills: 10,
  creates: 40,
  systems: 4,
  pauseMs: [800, 2_000],
  aimedShare: 0.6,
  okShareMin: 0.6,
}

/** Where each seeded bug does its harm, and the measure that must tell of it. */
export const seededBugs: Readonly<Record<Fault, { readonly at: Aim['at']; readonly shows: keyof Verdict }>> = {
  'ack-before-commit': { at: 'commit', shows: 'finishedMissing' },
  'no-journal': { at: 'call', shows: 'lostUnexplained' },
  'no-fence': { at: 'create.answered', shows: 'orphans' },
}

/** The least that shows a seeded bug: a few kills where it does harm, and what is left after a while. For CI. */
export const bugForm = (fault: Fault): Form => ({
  ...shortForm,
  kills: 3,
  creates: 10,
  systems: 2,
  aims: aims.filter(({ at }) => at === seededBugs[fault].at),
  aimedShare: 1,
  settleWithinMs: 20_000,
})

import type { Shares } from '../../simulator/index.ts'

/** Seeded bugs: of the service (it settles results before they are committed) and of the agents (no journal; no id is known again). */
export const seededBugs = {
  'ack-before-commit': { of: 'service', shows: 'finishedMissing' },
  'no-journal': { of: 'agents', shows: 'lostUnexplained' },
  'start-again': { of: 'agents', shows: 'doubleStarts' },
} as const
export type Fault = keyof typeof seededBugs

/**
 * What happens at random while runs are under way: kill -9 of a process, and what happens to single agents and links. After an `outage` the service
 * stays away until others have taken over its runs; where there is one service alone there is none.
 */
export const blowNames = ['service', 'outage', 'broker', 'process', 'crash', 'cut', 'half-open'] as const
export type BlowName = (typeof blowNames)[number]

export type Plan = {
  readonly seed: number
  readonly fault: Fault | undefined
  readonly agents: number
  /** Simulator processes. */
  readonly processes: number
  /** Services on one Postgres, each with its broker. */
  readonly brokers: number
  readonly runs: number
  readonly runsAtOnce: number
  readonly blows: number
  readonly blowKinds: readonly BlowName[]
  /** From a run to the blow that hits it; a short one hits as well what is still coming back from the last. */
  readonly pauseMs: readonly [number, number]
  /** How long a call that is not only reading takes on its host. */
  readonly tookMs: readonly [number, number]
  /** On every link, all the time. */
  readonly shares: Shares
  /** How long a commit of results is held, with a seeded bug and without: what makes a run fail is the bug and not the window. */
  readonly commitMs: number
  readonly settleWithinMs: number
  readonly okShareMin: number
}
export type Form = Omit<Plan, 'seed' | 'fault' | 'brokers'>

const rules = {
  runsAtOnce: 4,
  blowKinds: blowNames.filter(name => name !== 'outage'),
  pauseMs: [50, 1_200],
  tookMs: [50, 2_500],
  shares: { delay: 0.05, delayMs: 300, duplicate: 0.05, reorder: 0.05, replay: 0.01, wrongToken: 0.005 },
  commitMs: 1_600,
  settleWithinMs: 90_000,
  okShareMin: 0.5,
} as const

/** The size that is asked for. */
export const fullForm: Form = { ...rules, agents: 1_000, processes: 4, runs: 100, blows: 60 }
export const shortForm: Form = { ...rules, agents: 40, processes: 2, runs: 12, blows: 8 }

/** The least that shows a seeded bug: a few blows where it does harm, and what is left after a while. */
export const bugForm = (fault: Fault): Form => {
  const small = { ...shortForm, agents: 24, processes: 2, runs: 9, blows: 3, settleWithinMs: 45_000 }
  if (fault === 'ack-before-commit') return { ...small, blowKinds: ['service'] }
  if (fault === 'no-journal') return { ...small, blowKinds: ['crash'], tookMs: [3_000, 4_000] }
  return { ...small, blows: 0, shares: { duplicate: 0.5 } }
}

/** With several services one of them may stay away. */
export const planOf = (form: Form, { brokers, seed, fault }: Pick<Plan, 'brokers' | 'seed' | 'fault'>): Plan => {
  const isAny = fault === undefined && brokers > 1
  return { ...form, brokers, seed, fault, blowKinds: isAny ? [...form.blowKinds, 'outage'] : form.blowKinds }
}

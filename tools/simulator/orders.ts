import type { FaultName, Shares } from './faults.ts'

/** What a fleet and its processes say to each other over IPC. */
export type Member = { readonly name: string; readonly folder: string }

/** A simulated operation: answers after a while with so many bytes. */
export type SimulatedOperation = {
  readonly name: string
  /** Default true; false: its start is synced to disk before it is acknowledged. */
  readonly reads?: boolean
  /** How long it takes, milliseconds; drawn evenly between the two. Default 0. */
  readonly tookMs?: readonly [least: number, most: number]
  /** Its answer, when it is not a text. */
  readonly value?: unknown
  /** Characters of its answer, a text. Default 0. */
  readonly outputChars?: number
  /** Share of calls that fail, 0 to 1. Default 0. */
  readonly fails?: number
}

/** Which agents: all, a share of them (0 to 1, drawn with the seed), or these. */
export type Which = 'all' | number | readonly string[]

/** What happens once to an agent: its memory is lost, its link is cut, its link carries nothing more though it stays. */
export type Blow = 'crash' | 'cut' | 'half-open'

export type Begin = {
  readonly kind: 'begin'
  readonly url: string
  /** Enrolment token; not needed by agents that are enrolled. */
  readonly token: string | undefined
  readonly members: readonly Member[]
  readonly labels: Readonly<Record<string, string>>
  readonly operations: readonly SimulatedOperation[]
  readonly shares: Shares
  readonly seed: number
  /** Over the agent's own environment, for example REGENT_SLOTS. */
  readonly environment: Readonly<Record<string, string>>
}
/** `ask` comes back with the answer. */
export type Order =
  | Begin
  | { readonly kind: 'stats'; readonly ask: number }
  | { readonly kind: 'shares'; readonly ask: number; readonly which: Which; readonly shares: Shares }
  | { readonly kind: 'blow'; readonly ask: number; readonly which: Which; readonly blow: Blow }
  | { readonly kind: 'stop' }

/** Counts since the process began. */
export type Counts = {
  readonly agents: number
  /** Agents that have a session now. */
  readonly sessions: number
  /** Sessions that ever began. */
  readonly hellos: number
  /** Lives: the first start of each agent, and each after a crash. */
  readonly lives: number
  readonly started: number
  readonly ended: number
  readonly settled: number
  readonly voided: number
  readonly lost: number
  /** Messages that agents gave to their sockets and took from them, by kind. */
  readonly said: Readonly<Record<string, number>>
  readonly heard: Readonly<Record<string, number>>
  /** What the faults did, by name. */
  readonly faults: Readonly<Record<FaultName | Blow, number>>
  /** Agents that ended by themselves, and why. */
  readonly ends: Readonly<Record<string, string>>
}
export type Stats = Counts & { readonly cpuMs: number; readonly residentBytes: number; readonly openFiles: number }

export type Word =
  | { readonly kind: 'sessions'; readonly live: number }
  | { readonly kind: 'answer'; readonly ask: number; readonly value: Stats | number }

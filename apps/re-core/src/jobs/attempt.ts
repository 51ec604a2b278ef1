import type { Ahead, Offering, ParkedFor, Provider } from '@re-ops/protocols'
import type { Mote } from '../mote.ts'
import type { Open } from '../providers/opener.ts'
import type { BesideVolumes } from '../store/beside-volumes.ts'
import type { OpChanges, OpEnd } from '../store/ops.ts'
import type { SnapshotChanges, SnapshotRow } from '../store/snapshots.ts'
import type { Changes } from '../store/systems.ts'
import type { OpRow, Sighting, SystemRow } from '../store/row.ts'
import type { ParkedAccount } from '../store/parked.ts'
import type { Rules, Seen } from './decide.ts'

/** A queue message of ours; a hint and nothing more. `held`: it is queued for later, see `Queue.hold`. */
export type Message = { readonly id: string; readonly retryCount: number; readonly held?: true }

/** How an attempt ends: looked at again at `nextAt` (null: when something happens), and what its job says meanwhile. */
export type Ending = { readonly nextAt: number | null; readonly settled: boolean; readonly reason: string | null }

/** What an attempt needs of the database. `null` = a newer attempt has taken over; stop. */
export type Store = {
  claim(id: string): Promise<SystemRow | null>
  sightings(id: string): Promise<Sighting[]>
  write(row: SystemRow, changes: Changes, at: number): Promise<SystemRow | null>
  /** Accepted from a stale attempt too, if the row still wants it; null = it does not, and it was noted as a sighting. */
  saveRef(row: SystemRow, ref: string, at: number): Promise<SystemRow | null>
  /** References of volumes that stay when a machine of the row's place goes. */
  keptVolumes(row: SystemRow): Promise<readonly string[]>
  readonly volumes: BesideVolumes
  /** Sealed. */
  userData(row: SystemRow): Promise<Buffer | null>
  forgetSighting(row: SystemRow, ref: string): Promise<void>
  /** It stays noted, and is destroyed once more when it must be seen. */
  sightingDestroyed(row: SystemRow, ref: string): Promise<void>
  /** The row's one-shot verb. */
  op(row: SystemRow): Promise<OpRow | null>
  writeOp(row: SystemRow, op: OpRow, changes: OpChanges): Promise<OpRow | null>
  /** Ends it, and writes what follows for its system: one transaction. */
  endOp(row: SystemRow, op: OpRow, end: OpEnd, changes: Changes, at: number): Promise<SystemRow | null>
  snapshot(id: string): Promise<SnapshotRow | null>
  writeSnapshot(id: string, changes: SnapshotChanges): Promise<void>
  /** Something was seen in the row's account that is newer than our rows. */
  isFrozen(row: SystemRow): Promise<boolean>
  /** Begins the next life of a system whose machine is gone, or ends it: a job that nobody asked for, and a notice. */
  goOn(
    row: SystemRow,
    changes: Changes,
    told: { readonly verb: 'reload' | 'forget'; readonly text: string },
    at: number,
  ): Promise<SystemRow | null>
  /** What the row's account refuses for the time being; null = nothing. */
  parked(row: SystemRow): Promise<ParkedAccount | null>
  /** Its machines wait so long; of those that come then one may try (`mayTry`). */
  park(row: SystemRow, what: ParkedFor, why: string, forMs: number): Promise<void>
  /** True for the one that may try again what was refused. */
  mayTry(row: SystemRow, forMs: number): Promise<boolean>
  /** Does nothing unless it is parked for just that. */
  unpark(row: SystemRow, what: ParkedFor): Promise<void>
  /** Offerings of the row's place that are passed over, by `offeringKey`, until when (ms since 1970). */
  scarce(row: SystemRow, now: number): Promise<ReadonlyMap<string, number>>
  noteScarce(row: SystemRow, offering: Offering, until: number): Promise<void>
  /** The last write, the job's state, the end of the message and the next one: one transaction. */
  finish(row: SystemRow, changes: Changes, ending: Ending, message: Message | null, at: number): Promise<void>
  /** Ends the message of an attempt that has nothing to write. */
  drop(message: Message | null): Promise<void>
}

/** Seals what may hold secrets. `context` is bound to it: sealed text moved to another row does not open. */
export type Cipher = { seal(text: string, context: string): Buffer; open(sealed: Buffer, context: string): string }

export type Deps = {
  readonly store: Store
  readonly open: Open
  readonly mote: Mote | null
  readonly cipher: Cipher
  readonly installation: string
  readonly now: () => number
  readonly random: () => number
  readonly rules: Omit<Rules, 'caps'>
  /** How long an account's problem is left alone: it takes a person to mend it. */
  readonly parkedMs: number
  readonly log: { warn(fields: object, text: string): void; info(fields: object, text: string): void }
  /** Of an id that is no system's: what is wanted of a volume. */
  readonly volume?: (id: string, signal: AbortSignal, message: Message | null) => Promise<unknown>
  readonly onCreateCall?: (sinceRequestMs: number) => void
  /** Called between steps, by name; tests end the world there. */
  readonly at?: (point: string, system: string) => void | Promise<void>
}

/** Where an attempt stands. `pending` is written together with whatever is written next. */
export type Attempt = {
  readonly row: SystemRow
  readonly seen: Seen
  readonly pending: Changes
  readonly signal: AbortSignal
  /** Of the row's account in its region. */
  readonly provider: Provider
  /** What a first create would begin with, under way since the request was frozen. */
  readonly ahead?: Promise<Ahead>
}

/** What a step came to. */
export type Outcome =
  | { kind: 'go'; row: SystemRow; seen: Partial<Seen>; pending?: Changes; ahead?: Attempt['ahead'] }
  | { kind: 'fenced' }
  | { kind: 'pause'; reason: string; afterMs?: number; changes?: Changes }
  | { kind: 'failed'; reason: string; changes?: Changes }

/** Fields that belong to one life of the machine: the next generation or candidate begins without them. */
export const unborn = {
  frozenRequest: null,
  registeredAt: null,
  sentAt: null,
  ref: null,
  destroyedAt: null,
  missingAt: null,
  nameThere: null,
  labelsThere: null,
  opRef: null,
  besideDone: 0,
  stopSentAt: null,
  downAt: null,
  observed: null,
  observedAt: null,
  host: null,
  addresses: [],
  leaseThere: null,
} as const satisfies Changes

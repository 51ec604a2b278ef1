import type {
  DesiredPower,
  Drift,
  Fix,
  Labels,
  LeaseNote,
  LeaseEnd,
  MachineOptions,
  Managed,
  OnLost,
  Phase,
  ProviderKind,
  Readiness,
  Verb,
  JobState,
} from '@re-ops/protocols'

/** When a phase was entered; how long it lasted follows from the next one. */
export type PhaseMark = { readonly name: Phase; readonly at: string }

/** A system as it stands in Postgres: what is wanted, what was done about it, what was seen. Times are ms since 1970. */
export type SystemRow = {
  readonly id: string
  readonly name: string
  readonly provider: ProviderKind
  readonly account: string
  readonly region: string
  readonly type: string
  readonly size: string
  readonly image: string
  readonly labels: Labels
  readonly readiness: Readiness
  readonly protected: boolean
  /** What its provider was last told of that, where it can be told. */
  readonly protectedThere: boolean
  readonly options: MachineOptions

  /** How long the lease was last asked for, ms; null = it has none, nor any field below. */
  readonly leaseMs: number | null
  readonly leaseExpiresAt: number | null
  readonly leaseMaxAt: number | null
  readonly leaseOnEnd: LeaseEnd
  readonly leaseBy: string | null
  /** The expiry that its machine was last marked with. */
  readonly leaseThere: number | null
  readonly leaseNote: LeaseNote | null
  /** `imported`: it was there before us; never ended by itself. */
  readonly origin: 'created' | 'imported'
  /** `observe`: nothing is done to it. */
  readonly managed: Managed
  /** What is put right by itself when it is seen to differ. */
  readonly fixes: readonly Fix[]
  readonly onLost: OnLost
  readonly drift: readonly Drift[]

  readonly desired: DesiredPower
  /** Above `generation` while a reload is wanted: this life ends and the next begins under the same id. */
  readonly wantGeneration: number
  readonly generation: number
  readonly candidate: number

  readonly phase: Phase
  readonly phases: readonly PhaseMark[]
  readonly phaseAt: number
  readonly reason: string | null
  /** Consecutive disappointments; what the back-off grows with. */
  readonly attempt: number
  /** Deaths since it was last ready. */
  readonly restarts: number
  readonly nextAt: number | null

  /** The create request, encrypted, byte for byte as it is sent and sent again. */
  readonly frozenRequest: Buffer | null
  /** The enrolment's hash is known to re-mote. */
  readonly registeredAt: number | null
  /** Committed before the first send: from here on a machine may exist. */
  readonly sentAt: number | null
  readonly ref: string | null
  readonly destroyedAt: number | null
  readonly revokedAt: number | null

  readonly observed: string | null
  readonly observedAt: number | null
  /** First seen stopped though wanted running. */
  readonly downAt: number | null
  /** First seen absent though it should be there (or: though it may still show up). */
  readonly missingAt: number | null
  readonly host: string | null
  readonly leaseEpoch: number
  readonly createdAt: number
  readonly createCalledAt: number | null
  readonly readyAfterMs: number | null
}

/** A machine that carries one of our identities and is not (yet) the row's own. */
export type Sighting = {
  readonly ref: string
  readonly generation: number
  readonly candidate: number
}

export type JobRow = {
  readonly id: string
  readonly system: string
  readonly name: string
  readonly verb: Verb
  readonly state: JobState
  readonly error: string | null
  readonly phases: readonly PhaseMark[]
  readonly createdAt: number
  readonly finishedAt: number | null
}

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
  VerbInput,
  JobState,
  SystemAddress,
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
  /** What its provider was last told of its name and labels; null = nothing yet. */
  readonly nameThere: string | null
  readonly labelsThere: Labels | null
  /** What its image is at the provider, where that is another word (a snapshot's reference). */
  readonly imageRef: string | null
  readonly options: MachineOptions
  /** How many of what stands beside its machine (`besideOf`) are in place, in their order. */
  readonly besideDone: number
  /** Volumes that were made with it stay when it goes. */
  readonly keepVolumes: boolean

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
  /** The size it shall get; null = the one it has. */
  readonly wantSize: string | null
  /** What the provider still does about that. */
  readonly opRef: string | null
  /** From then on a stop does not ask the guest any more; null = it always asks. */
  readonly forceAt: number | null
  /** When the guest was last asked to stop. */
  readonly stopSentAt: number | null
  /** The one-shot verb that is not over yet (core.op). */
  readonly op: string | null
  /** What the verb that was asked last came to, when it is not what was wanted; its job ends with it. */
  readonly verdict: Verdict | null

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
  /** The subject of the token that asked for it; null = it was there before anybody was noted. */
  readonly createdBy: string | null
  readonly addresses: readonly SystemAddress[]
  readonly leaseEpoch: number
  readonly createdAt: number
  readonly createCalledAt: number | null
  readonly readyAfterMs: number | null
}

export type Verdict = { readonly state: 'failed' | 'uncertain' | 'cancelled'; readonly why: string }

/** A verb that is done once and is not the same when it is done twice. Times are ms since 1970. */
export type OpRow = {
  readonly id: string
  readonly system: string
  readonly kind: 'reboot' | 'snapshot' | 'attach' | 'detach'
  readonly generation: number
  readonly force: boolean
  readonly snapshot: string | null
  /** By its name in the system's place. */
  readonly volume: string | null
  /** Committed before it is sent: from here on it may have been done. */
  readonly sentAt: number | null
  /** The provider said that it does it. */
  readonly acceptedAt: number | null
  readonly opRef: string | null
  /** Which start of its agent answered before: another one afterwards proves a reboot. */
  readonly before: string | null
  readonly createdAt: number
}

/** A machine that carries one of our identities and is not (yet) the row's own. */
export type Sighting = {
  readonly ref: string
  readonly generation: number
  readonly candidate: number
  /** Since it was noted first. */
  readonly ageMs: number
  /** It was asked to be destroyed; of one that is too new to be seen that says nothing. */
  readonly isDestroyed: boolean
}

export type JobRow = {
  readonly id: string
  readonly system: string
  readonly name: string
  readonly verb: Verb
  readonly input: VerbInput
  readonly state: JobState
  readonly error: string | null
  readonly phases: readonly PhaseMark[]
  readonly createdAt: number
  readonly finishedAt: number | null
}

import type { LabelChanges, Labels } from '@re-ops/protocols'

/** re-mote did not do what was asked: it cannot be reached, or it refused and said why. */
export class MoteError extends Error {
  override readonly name = 'MoteError'
  readonly kind: 'unreachable' | 'refused'
  constructor(kind: 'unreachable' | 'refused', message: string) {
    super(message)
    this.kind = kind
  }
}

/** What answers for a system at re-mote. Times are ms since 1970. */
export type HostSeen = {
  readonly id: string
  readonly online: boolean
  readonly enrolledAt: number
  readonly seenAt: number
  /** Which start of its agent that was; null = not told. */
  readonly boot: string | null
  /** Of its network interfaces, as its agent has seen them. */
  readonly addresses: readonly string[]
}

export type Registration = {
  readonly system: string
  readonly generation: number
  readonly candidate: number
  readonly name: string
  readonly labels: Labels
  readonly tokenHash: string
}

/** What re-core asks of re-mote. Every call throws MoteError; every call may be repeated. */
export type Mote = {
  readonly url: string
  /** The installation's trust root, which an enrolment token names. */
  root(signal: AbortSignal): Promise<string>
  /** The same without asking for it; null: it must be asked for. */
  rootAtHand(): string | null
  register(registration: Registration, signal: AbortSignal): Promise<void>
  hostOf(system: string, generation: number, signal: AbortSignal): Promise<HostSeen | null>
  /** Gives a host the name and the labels of its system. */
  change(
    host: string,
    what: { readonly name?: string; readonly labels?: LabelChanges },
    signal: AbortSignal,
  ): Promise<void>
  /** Revokes all generations up to this one. */
  revoke(system: string, generation: number, signal: AbortSignal): Promise<void>
}

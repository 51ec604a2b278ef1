import type { Id } from './ids.ts'
import type { ProviderKind } from './system.ts'

/** Which machine of which life of which system a request is for. Same identity => same machine. */
export type Identity = {
  installation: Id
  vmId: Id
  generation: number
  candidate: number
  /** `rc1-` and 40 characters of base32(sha256(installation|vmId|generation|candidate)); at most 64 ASCII. */
  token: string
  /** uuidv5 of the same parts, for providers that let the caller choose the id. */
  uuid: Id
}

/** A frozen create request: persisted (encrypted) before the first send, re-sent byte for byte. */
export type CreateRequest = { identity: Identity; body: Record<string, unknown> }
export type Accepted = { ref: string }
export type Power =
  'pending' | 'running' | 'stopping' | 'stopped' | 'suspended' | 'terminating' | 'gone' | 'failed' | 'unknown'

export type ObservedVm = {
  ref: string
  power: Power
  /** The provider's own word. */
  raw: string
  addresses: readonly string[]
  createdAt: string
  tags: Readonly<Record<string, string>>
  owner?: { installation: Id; vmId: Id; generation: number; candidate: number }
}
export type Observation =
  | { state: 'present'; vm: ObservedVm }
  | { state: 'absent'; proof: 'terminal' | 'not-found' }
  | { state: 'unknown'; why: ProviderError }

export type Caps = {
  createIdempotency: 'token' | 'caller-id' | 'lookup'
  gracefulStop: boolean
  reusableAfterDestroy: boolean
  maxVisibilityLagMs: number
  latestLandingMs: number
  stoppedIsBilled: boolean
}

export type ProviderErrorKind =
  | 'throttled'
  | 'transient'
  | 'capacity'
  | 'quota'
  | 'auth'
  | 'denied'
  | 'not-found'
  | 'conflict'
  | 'busy'
  | 'invalid'
  | 'protected'
  | 'identity-mismatch'
  | 'identity-spent'
  | 'unsupported'
  | 'bug'

/** Built by us from the facts of a client's error; never wraps the client's error object (it may carry secrets). */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
  readonly kind: ProviderErrorKind
  /** The field that decides between "retry" and "look first". */
  readonly outcome: 'not-applied' | 'unknown'
  readonly retryAfterMs: number | undefined
  constructor(kind: ProviderErrorKind, outcome: 'not-applied' | 'unknown', message: string, retryAfterMs?: number) {
    super(message)
    this.kind = kind
    this.outcome = outcome
    this.retryAfterMs = retryAfterMs
  }
}

/** What a new machine needs to call home: becomes user-data, an environment, or a file, as the provider has it. */
export type CallHome = { url: string; token: string; name: string; labels: Record<string, string> }

export type VmSpec = { name: string; type: string; size: string; image: string; callHome: CallHome | null }

/** Code that makes instances. One file per provider, one line in re-core's table. */
export interface Provider {
  readonly kind: ProviderKind
  readonly caps: Caps
  /** Pure: spec -> frozen request. Throws ProviderError `invalid` naming what is allowed. */
  planCreate(spec: VmSpec, identity: Identity): CreateRequest
  /** The only call that may make a machine. Same identity => same machine, or ProviderError{outcome}. */
  create(request: CreateRequest, signal: AbortSignal): Promise<Accepted>
  /** Every machine that may carry this identity. */
  findByIdentity(identity: Identity, signal: AbortSignal): Promise<readonly ObservedVm[]>
  observe(ref: string, signal: AbortSignal): Promise<Observation>
  /** Every machine of this installation; throws on a partial list, never answers short. */
  list(signal: AbortSignal): AsyncIterable<ObservedVm>
  act(ref: string, action: { kind: 'start' } | { kind: 'stop'; force: boolean }, signal: AbortSignal): Promise<void>
  /** Absent is ok. */
  destroy(ref: string, signal: AbortSignal): Promise<void>
}

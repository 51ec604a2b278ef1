import type { AccountInfo, Catalog, Quota } from './account.ts'
import type { ProviderError } from './provider-error.ts'
import type { FirewallApi, ImageApi, KeyApi, VolumeApi } from './provider-extras.ts'
import type { ProviderKind } from './system.ts'
import type {
  Accepted,
  Action,
  ActionKind,
  Child,
  CreateRequest,
  DestroyPlan,
  Identity,
  MachineConsole,
  Observation,
  ObservedVm,
  Offering,
  OpIdentity,
  VmSpec,
} from './vm.ts'

/** What a provider can do, as facts that the state machine and the conformance suite read. */
export type Caps = {
  /** Its machines are there without us: none is made and none is ended; they are imported and forgotten. */
  given?: true
  /** How a create that is sent twice stays one machine: the provider's token, an id of our choosing, or looking first. */
  createIdempotency: 'token' | 'caller-id' | 'lookup'
  tags: 'map' | 'set' | 'metadata' | 'none'
  tagsAtCreate: 'atomic' | 'after' | 'none'
  /** Actions it has; any other is refused as `unsupported`. */
  actions: readonly ActionKind[]
  /** False: a stop or reboot can only be asked of the guest. */
  forced?: false
  liveResize: boolean
  diskShrink: boolean
  snapshot: 'disk' | 'disk+mem' | 'none'
  /** Whether the machine may run meanwhile. */
  liveSnapshot: boolean
  liveRename: boolean
  userData: { maxBytes: number } | false
  protection: boolean
  spot: boolean
  zones: boolean
  /** Whether `findOp` can tell what became of an action. */
  opHistory: boolean
  events: boolean
  gracefulStop: boolean
  stoppedIsBilled: boolean
  /** Whether a destroyed machine's identity can be used again. */
  reusableAfterDestroy: boolean
  /** How long after a create or a change the provider may still show what was before. */
  maxVisibilityLagMs: number
  /** How long after it was sent a create may still take effect. */
  latestLandingMs: number
  /** `outbound`: its machines reach others, and nobody reaches them; absent: they have addresses of their own. */
  network?: 'outbound'
  /** What is had of a machine's console: both ways, what it wrote so far, or its agent's log; absent: nothing. */
  console?: 'stream' | 'output' | 'log'
  /** From its start until its agent calls home, where that may take longer than usual. */
  bootTimeoutMs?: number
}

/** In the order in which they are let through when the API's limit is near. */
export const callClasses = ['destroy', 'create', 'act', 'poll', 'list'] as const
export type CallClass = (typeof callClasses)[number]

/** A token bucket that all replicas share per account, region and family of calls. */
export type LimitSpec = {
  readonly family: string
  readonly perSecond: number
  readonly burst: number
  /** `account`: one for all its regions. */
  readonly scope?: 'account'
}

/** What a provider asks before each call of its API, and tells afterwards. */
export type Limiter = {
  /** Waits for a turn. Throws ProviderError `throttled` (not applied) when there is none before the signal. */
  take(family: string, callClass: CallClass, signal: AbortSignal): Promise<void>
  /** What the API said of its limit; `throttled` when it refused the call for it. */
  told(
    family: string,
    what: { readonly throttled?: boolean; readonly remaining?: number; readonly retryAfterMs?: number },
  ): void
}

/** What was done of a `create` before it. */
export type Ahead = {
  /** The machine that is there already. */
  readonly found: Accepted | null
  /** When its turn with the limits was taken, by `performance.now()`; null: it was not. */
  readonly turnAt: number | null
}

/**
 * Code that makes instances, bound to one account in one region. Every method throws ProviderError and nothing else
 * (an abort of the signal is `transient`, and of a mutation `unknown`); each may be called again with the same
 * arguments. One folder per provider, one line in re-core's table.
 */
export interface Provider {
  readonly kind: ProviderKind
  readonly caps: Caps
  /** Pure: where the machine could be had, best first, at least one. Throws `invalid` naming what is allowed. */
  offerings(spec: VmSpec): readonly Offering[]
  /** Pure: spec -> frozen request. Throws `invalid` naming what is allowed. */
  planCreate(spec: VmSpec, identity: Identity, offering?: Offering): CreateRequest
  /** Pure, where more is known than a new machine's request tells: throws `invalid` when it cannot get that size. */
  checkResize?(spec: VmSpec, size: string): void
  /** The only call that may make a machine. Same identity => same machine, or ProviderError{outcome}. */
  create(request: CreateRequest, signal: AbortSignal, ahead?: Ahead): Promise<Accepted>
  /**
   * What `create` begins with where there is no token: the machine of that request. It changes nothing, so it may run
   * while the row is written; its answer is good for one `create` of the same attempt.
   */
  lookAhead?(request: CreateRequest, signal: AbortSignal): Promise<Ahead>
  /** The same for an identity that was never sent: there is nothing to look for, and its turn with the limits is taken. */
  turnAhead?(signal: AbortSignal): Promise<Ahead>
  /** Every machine that may carry this identity, by token, id, tag or name; all pages. */
  findByIdentity(identity: Identity, signal: AbortSignal): Promise<readonly ObservedVm[]>
  observe(ref: string, signal: AbortSignal): Promise<Observation>
  /** `owned`: what carries a mark of re-core (of any installation). Throws on a partial list, never answers short. */
  list(scope: 'owned' | 'all', signal: AbortSignal): AsyncIterable<ObservedVm>
  /** Wanted = seen is ok for all but `reboot`. A verb that the machine's state refuses is `busy`. */
  act(ref: string, action: Action, op: OpIdentity, signal: AbortSignal): Promise<Accepted>
  pollOp(opRef: string, signal: AbortSignal): Promise<'running' | 'done' | { readonly failed: ProviderError }>
  /** What became of an action that was sent and not answered. */
  findOp(
    ref: string,
    kind: ActionKind,
    op: OpIdentity,
    signal: AbortSignal,
  ): Promise<{ readonly opRef: string } | 'none' | 'cannot-tell'>
  /** Absent is ok; a protected machine is `protected`, and nothing takes its protection away. */
  destroy(ref: string, plan: DestroyPlan, signal: AbortSignal): Promise<Accepted>
  children(ref: string, signal: AbortSignal): Promise<readonly Child[]>
  catalog(signal: AbortSignal): Promise<Catalog>
  quota(signal: AbortSignal): Promise<readonly Quota[]>
  /** Throws `auth` or `denied`. Changes nothing. */
  verifyCredentials(signal: AbortSignal): Promise<AccountInfo>
  /** Never keeps the error itself: clients' errors carry secrets. */
  classify(error: unknown, mutates: boolean): ProviderError
  limits(): readonly LimitSpec[]
  /** As `caps.console` says. Somebody else's is `busy` unless it is taken with `force`. */
  console?(ref: string, options: { readonly force: boolean }, signal: AbortSignal): Promise<MachineConsole>
  /** Absent where the provider has no such thing. */
  readonly volumes?: VolumeApi
  readonly images?: ImageApi
  readonly keys?: KeyApi
  readonly firewalls?: FirewallApi
}

import type { Id } from './ids.ts'
import type { ProviderError } from './provider-error.ts'
import type { SshKey } from './provider-extras.ts'

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

/** What a new machine needs to call home: becomes user-data, an environment, or a file, as the provider has it. */
export type CallHome = { url: string; token: string; name: string; labels: Record<string, string> }

/** How a machine is paid for. `spot`: cheaper, and the provider may take it back. */
export type Market = 'on-demand' | 'spot'

/** Where and how a machine can be had; what runs out, and what is remembered as having run out. */
export type Offering = { readonly size: string; readonly zone: string | null; readonly market: Market }

/** The machine that is asked for. What stands behind `callHome` may be left out: the provider's defaults. */
export type VmSpec = {
  name: string
  type: string
  size: string
  image: string
  callHome: CallHome | null
  /** Refuse to destroy, at the provider too. */
  protected?: boolean
  /** The person's labels; identity tags are added by the provider. */
  tags?: Readonly<Record<string, string>>
  /** cloud-init's; at most what `caps.userData` says. */
  userData?: string
  /** Public keys in OpenSSH's form. */
  sshKeys?: readonly string[]
  /** Keys that the account has, beside those above. */
  sshKeysOfAccount?: readonly SshKey[]
  /** References of firewalls that shall hold for it from its first moment, where the provider can do that. */
  firewalls?: readonly string[]
  /** Its image is a copy of another machine: what is in it says that it is that one. */
  isClone?: boolean
  /** How many volumes are attached to it before it is ready. */
  volumes?: number
  /** In this order; none = wherever the provider likes. */
  zones?: readonly string[]
  market?: Market
  diskGb?: number
  /** When the machine shall end, ISO 8601: also written at the provider, for a sweeper that has lost our database. */
  expiresAt?: string
  /** Of this provider alone; checked by `planCreate`. */
  settings?: Readonly<Record<string, unknown>>
}

/** A frozen create request: persisted (encrypted) before the first send, re-sent byte for byte. */
export type CreateRequest = { identity: Identity; body: Record<string, unknown>; offering?: Offering }

/** `opRef` names what the provider still does, for `pollOp`; without it the answer was the end of it. */
export type Accepted = { readonly ref: string; readonly opRef?: string }

export type Power =
  'pending' | 'running' | 'stopping' | 'stopped' | 'suspended' | 'terminating' | 'gone' | 'failed' | 'unknown'

export type Address = { readonly address: string; readonly scope: 'public' | 'private' }

export type ObservedVm = {
  ref: string
  power: Power
  /** The provider's own word. */
  raw: string
  /** Something of the provider's is under way that refuses other verbs. */
  locked: boolean
  addresses: readonly Address[]
  size: string
  zone?: string
  image?: string
  createdAt: string
  /** Without the identity's. */
  tags: Readonly<Record<string, string>>
  owner?: { installation: Id; vmId: Id; generation: number; candidate: number }
  /** Whose it is cannot be read now: that `owner` is absent then says nothing. */
  ownerUnread?: true
  /** Absent where the provider has no such flag, or does not tell it in a list. */
  protected?: boolean
  lifecycle: Market
  /** What is written at the machine, ISO 8601. */
  expiresAt?: string
}

export type Observation =
  | { state: 'present'; vm: ObservedVm }
  /** `never-made`: the create was accepted, and the provider says that it came to nothing. `why`: in its own words. */
  | { state: 'absent'; proof: 'terminal' | 'not-found' | 'never-made'; why?: string }
  | { state: 'unknown'; why: ProviderError }

/** What is done to a machine that is there. `setTags` takes away what has the value null. */
export type Action =
  | { kind: 'start' }
  | { kind: 'stop'; force: boolean }
  | { kind: 'reboot'; force: boolean }
  | { kind: 'resize'; size: string }
  | { kind: 'rename'; name: string }
  | { kind: 'setTags'; tags: Readonly<Record<string, string | null>> }
  | { kind: 'setProtection'; protected: boolean }
  /** Null takes the mark away. */
  | { kind: 'setExpiry'; expiresAt: string | null }
  /** Marks a machine that was there before us as one of a system; null takes all our marks off. */
  | { kind: 'setOwner'; owner: Identity | null }
export type ActionKind = Action['kind']

/** Which doing of an action: the same when it is sent again after a crash. */
export type OpIdentity = { readonly id: Id; readonly since: Date }

/** A machine's console, as it is open. */
export type MachineConsole = {
  /** What the machine writes; ends when there is no more to come. */
  readonly output: AsyncIterable<Uint8Array>
  /** What is typed into it; resolves when it is taken. Absent where it can only be read. */
  readonly write?: (bytes: Uint8Array) => Promise<void>
  /** Ends it, more than once too. */
  readonly close: () => void
}

/** What exists because of a machine: a disk, an address, a tag object. */
export type Child = {
  readonly ref: string
  readonly kind: 'disk' | 'address' | 'network-interface' | 'snapshot' | 'seed' | 'tag'
  readonly costs: boolean
  /** The provider removes it together with the machine, by itself. */
  readonly endsWithMachine: boolean
}
/** Children that stay; all others go with the machine. */
export type DestroyPlan = { readonly keep: readonly string[] }

import type { AgentAsks, AgentSays, CallShape, CallSays, Keyset } from './words.ts'

/**
 * What service and broker say to each other. One IPC message carries the batch of one event-loop turn, never one message per
 * host. Neither side trusts order between directions: everything about a session names its agent and epoch.
 */
export type AllowState = 'enrolled' | 'quarantined' | 'revoked'
/** One identity as the broker needs it: its CURVE key may shake hands, its ed25519 key must sign the hello. */
export type AllowEntry = {
  readonly key: string
  readonly agent: string
  readonly signKey: string
  readonly state: AllowState
}

export type BrokerStart = {
  readonly kind: 'start'
  readonly broker: string
  readonly bind: string
  readonly curve: { readonly publicKey: string; readonly secretKey: string }
  /** Where the keys that shook hands last are noted, for who asks after an abort. */
  readonly shakesFile: string
}

/** Who gets a call, over which session, the call's id, and results of its earlier calls that are settled. */
export type Addressed = {
  readonly agent: string
  readonly epoch: number
  readonly id: string
  readonly settled?: readonly string[]
}

/** Id that the broker's socket gave a connection: its bytes as Latin-1, so that it can be a key. */
export type Routing = string

export type ServiceSays =
  | BrokerStart
  /** What welcomes deliver; a newer one is told to every session. Nobody is welcomed before it has come. */
  | { readonly kind: 'keyset'; readonly keyset: Keyset }
  /** Entries of the allow-list, `ageMs` old; `full` replaces the whole. Every one, an empty one too, says that the list is fresh. */
  | { readonly kind: 'allow'; readonly full: boolean; readonly ageMs: number; readonly entries: readonly AllowEntry[] }
  /** Answer to a hello: the session begins, for the service at once. Where it cannot, the broker says that it ended. */
  | { readonly kind: 'admit'; readonly routing: Routing; readonly agent: string; readonly epoch: number }
  | { readonly kind: 'refuse'; readonly routing: Routing; readonly reason: string; readonly retry: boolean }
  /** One call for many agents, each under an id of its own. */
  | { readonly kind: 'calls'; readonly shape: CallShape; readonly to: readonly Addressed[] }
  | {
      readonly kind: 'send'
      readonly agent: string
      readonly epoch: number
      readonly messages: readonly CallSays[]
    }
  /** Results come faster than they are committed: what agents say stays in their sockets until this is taken back. */
  | { readonly kind: 'slow'; readonly isSlow: boolean }
  | { readonly kind: 'end'; readonly agent: string; readonly reason: string; readonly retry: boolean }
  /** A live module (a SignedModule as JSON) for agents that pull it, or why there is none. */
  | { readonly kind: 'module'; readonly hash: string; readonly text: string }
  | { readonly kind: 'module'; readonly hash: string; readonly refused: string }
  /** A chunk of a content for agents that pull it, or why it cannot be had. */
  | { readonly kind: 'chunk'; readonly hash: string; readonly chunk: number; readonly bytes: Uint8Array }
  | { readonly kind: 'chunk'; readonly hash: string; readonly chunk: number; readonly refused: string }
  /** `fresh` is told to every session now, `all` to each that begins. */
  | { readonly kind: 'modules.revoked'; readonly fresh: readonly string[]; readonly all: readonly string[] }

export type Hello = {
  readonly kind: 'hello'
  readonly routing: Routing
  readonly agent: string
  readonly boot: string
  /** When the challenge that it answers was given, epoch ms: its agent lived then, and perhaps no longer. */
  readonly challengedAt: number
  readonly journalCounter: number
  readonly name: string
  readonly pid: number
  readonly version: string
  /** Of the host's network interfaces; absent: an agent that does not tell. */
  readonly addresses?: readonly string[] | undefined
}

export type Stats = {
  readonly kind: 'stats'
  readonly sessions: number
  readonly pendingHellos: number
  readonly queued: number
  readonly outbox: number
  readonly openFiles: number
  readonly loopDelayP99Ms: number
  /** Since the last report. */
  readonly drops: Readonly<Record<string, number>>
}

export type BrokerSays =
  | { readonly kind: 'listening'; readonly endpoint: string; readonly pid: number }
  /** The network has taken that keyset for all sessions that there were. */
  | { readonly kind: 'published'; readonly serial: number }
  | { readonly kind: 'lookup'; readonly key: string }
  | { readonly kind: 'module.wanted'; readonly hash: string }
  | { readonly kind: 'chunk.wanted'; readonly hash: string; readonly chunk: number }
  | Hello
  | { readonly kind: 'ended'; readonly agent: string; readonly epoch: number; readonly reason: string }
  | { readonly kind: 'heard'; readonly agent: string; readonly epoch: number; readonly message: AgentSays | AgentAsks }
  /** These calls were provably not given to the network. */
  | {
      readonly kind: 'unsent'
      readonly agent: string
      readonly calls: readonly string[]
      readonly why: string
    }
  | {
      readonly kind: 'audit'
      readonly action: string
      readonly agent: string | null
      readonly detail: Readonly<Record<string, string | number>>
    }
  | Stats

export type Batch<T> = readonly T[]

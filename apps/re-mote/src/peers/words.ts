import type { Addressed } from '../broker/port.ts'
import type { AgentAsks, CallAnswer, CallShape, CallSays } from '../broker/words.ts'

/** What services on one Postgres say to each other. As between service and broker, everything about a session names its epoch. */
export type PeerSays =
  /** An agent has a session with the sender's broker. */
  | { readonly kind: 'live'; readonly agent: string; readonly epoch: number }
  | { readonly kind: 'ended'; readonly agent: string; readonly epoch: number }
  /** The sender's broker ended; its agents come back in a moment, there or elsewhere. */
  | { readonly kind: 'away' }
  /** For agents of the receiver's broker. */
  | { readonly kind: 'calls'; readonly shape: CallShape; readonly to: readonly Addressed[] }
  | { readonly kind: 'send'; readonly agent: string; readonly epoch: number; readonly messages: readonly CallSays[] }
  /** About calls of the receiver. */
  | { readonly kind: 'heard'; readonly agent: string; readonly message: CallAnswer | AgentAsks }
  | { readonly kind: 'unsent'; readonly agent: string; readonly calls: readonly string[]; readonly why: string }
  /** For who drives the run. */
  | { readonly kind: 'cancel'; readonly run: string }
  | { readonly kind: 'pause'; readonly run: string; readonly paused: boolean }
  /** For who listens to events. */
  | { readonly kind: 'changed'; readonly run: string }

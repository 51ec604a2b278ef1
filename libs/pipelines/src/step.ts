import type { CodeRef, HostRef, Ok, TransportName } from '@re-ops/protocols'

/**
 * Whether a step may be done again without harm: `safe` when all its operations are `reads` or `idempotent`, else `once`.
 * It lives in the type, so that repeating after `timeout` or `lost` (where the first try may have happened) is checked by tsc.
 */
export type Repeat = 'safe' | 'once'

declare const io: unique symbol
declare const repeat: unique symbol

/** A step from A to B: plain data. What it takes, gives and whether it may be repeated is known to the type alone. */
export interface Step<in A, out B, out R extends Repeat = Repeat> {
  readonly kind: string
  readonly [io]?: (a: A) => B
  readonly [repeat]?: R
}

/** Failures that a step may always be repeated after. */
export const repeatableKinds = ['unreachable', 'rejected', 'exit', 'invalid'] as const
/** Failures after which the host may have done the work: repeating needs a step that is `safe`. */
export const doubtfulKinds = ['timeout', 'lost'] as const
export type RepeatKind<R extends Repeat> =
  (typeof repeatableKinds)[number] | ([R] extends ['safe'] ? (typeof doubtfulKinds)[number] : never)

/** What a step is made of. A pipeline that travels (StepData of protocols) is the same, its callbacks named instead of there. */
export type Node =
  | CallNode
  | { readonly kind: 'sequence'; readonly steps: readonly Node[] }
  | { readonly kind: 'recover'; readonly step: Node; readonly fallback: Node; readonly on?: readonly string[] }
  | { readonly kind: 'retry'; readonly step: Node; readonly times: number; readonly on?: readonly string[] }
  | { readonly kind: 'gather' }
  | { readonly kind: 'via'; readonly transport: TransportName; readonly step: Node }
  | RefusedNode
  | CallbackNode
  | NamedCallbackNode

export type CallNode = {
  readonly kind: 'call'
  readonly operation: string
  /** The hash of the live module the operation is of; absent: the catalogue's. */
  readonly module?: string
  readonly input?: unknown
  /** Makes the input from the value so far (`operation.with`). A callback. */
  readonly inputFrom?: (value: unknown) => unknown
  /** The same of a pipeline that travelled. */
  readonly with?: CodeRef
  readonly timeoutMs?: number
  /** Known when the step was made from an operation; absent in data. */
  readonly repeat?: Repeat
  /** Whether the operation of a module only reads: no catalogue says so later. */
  readonly reads?: boolean
}

/** A call that is not made: of a dry run, when its operation cannot say what it would do. It stands for the call in a decoded pipeline only. */
export type RefusedNode = { readonly kind: 'refused'; readonly operation: string; readonly why: string }

export type CallbackNode =
  | { readonly kind: 'map'; readonly f: (result: Ok<unknown>) => unknown }
  | { readonly kind: 'pick'; readonly f: (result: Ok<unknown>) => boolean }
  | { readonly kind: 'tap'; readonly f: (result: Ok<unknown>) => void }

/** A callback of a pipeline that travelled: its code is asked where modules run. */
export type NamedCallbackNode = { readonly kind: 'named'; readonly of: CallbackNode['kind'] } & CodeRef

/** The host a callback is told about, and the time since the run began. */
export type At = { readonly host: HostRef; readonly ms: number }

/** Any step, whatever its types. */
export type AnyStep = Step<never, unknown>

/** The inside of a step. Steps are only made by the functions of this library, or checked by decodeStep. */
export const nodeOf = (step: AnyStep | Node): Node => step as Node
/** The outside of a node: the caller vouches for the types. */
export const stepOf = <A, B, R extends Repeat>(node: Node): Step<A, B, R> => node

export const defaultOn: readonly string[] = ['unreachable']

import type { Failure } from '@re-ops/protocols'
import type { ProgramName } from './programs.ts'

/** One call, made over each transport on the same machine, in the same state of it. */
export type Example = {
  readonly operation: string
  /** What it shows, when an operation has several. */
  readonly name?: string
  readonly input?: unknown
  /** For `sh -eu` on the machine, as root in /scratch: before the call over each transport, and after it. */
  readonly setUp?: string
  readonly cleanUp?: string
  readonly needs?: readonly ProgramName[]
  /** What both must answer, or a part of it: an example that does nothing proves nothing. */
  readonly gives?: unknown
  /** How both must fail. */
  readonly fails?: { readonly kind: Failure['kind']; readonly code?: number }
  /** The transports say it in words of their own: only kind and code are compared. */
  readonly ownWords?: true
  /** The machine goes down after it and is started again. */
  readonly endsMachine?: true
}

/** Examples that share what is costly to set up: it is done once before the first of them, and undone after the last. */
export type Family = {
  readonly name: string
  readonly needs?: readonly ProgramName[]
  readonly setUp?: string
  readonly cleanUp?: string
  readonly examples: readonly Example[]
}

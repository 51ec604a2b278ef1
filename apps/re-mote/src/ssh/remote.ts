import type { Readable, Writable } from 'node:stream'
import type { Streams } from '@re-ops/outputs'
import type { Contents } from '@re-ops/operations'

/** A process on a host, by its three streams. `ended` resolves when it is gone and its streams are closed; it never rejects. */
export type Remote = {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly ended: Promise<RemoteEnd>
  /** Drops the channel. What runs on the host may go on. */
  close(): void
}
/** `code` and `signal` are null when the connection broke before the host said how it ended. */
export type RemoteEnd = { readonly code: number | null; readonly signal: string | null }

/** A way to start processes on one host: a connection, or the ssh program. Each command is text for the user's login shell. */
export type Session = {
  /** Throws SshRefused when nothing was started. */
  open(command: string): Promise<Remote>
  /** The host behind it is gone, or the connection is. */
  readonly broken: boolean
  close(): void
}

/** What is to be done on a host: complete, for `sh`. */
export type Command = {
  readonly id: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly stdin: string | undefined
  /** Where its output goes. */
  readonly streams: Streams
  /** What follows `stdin`, read as the host takes it. */
  readonly input?: Readable
  /** It talks about contents: `stdin` is only what it reads first. */
  readonly contents?: Contents
}
export type Output = { readonly stdout: string; readonly stderr: string; readonly truncated: boolean }

/**
 * How a command ended. `refused`: provably nothing started. `broken`: the connection went away; `started` says what is known.
 * `aborted`: the signal fired, and what ran was killed, or (`killed` false) may still run.
 */
export type CommandEnd =
  | ({ readonly kind: 'ended'; readonly code: number | null; readonly signal: string | null } & Output)
  | ({ readonly kind: 'aborted'; readonly killed: boolean; readonly started: boolean } & Output)
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'broken'; readonly why: string; readonly started: 'yes' | 'unknown' }

export type RunOptions = {
  readonly signal: AbortSignal
  onStarted(): void
  /** Ends the command on the host: its process group, when that is known, and all that carries its id. */
  kill(pid: number | null): Promise<boolean>
}

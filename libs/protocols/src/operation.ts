import type { TSchema } from 'typebox'

/** What a spawned process left. Streams are cut at the call's output limit; `truncated` says so. */
export type ShellResult = {
  stdout: string
  stderr: string
  code: number
  truncated: boolean
  /** The call under which the host (or the service, over SSH) keeps all of a cut output. */
  outputRef?: string
}

export type Become = { user: string }

/**
 * How an operation is done with a command. `command` is spawned without a shell in between; `script` goes to `sh -s`.
 * `parse` turns the output into a value and may throw: that ends the call `invalid`.
 */
export type Shell<I, O> = ({ command(input: I): readonly string[] } | { script(input: I): string }) & {
  /** Arguments of a script, its `$1`, `$2`, ...: how values of an input get there without being part of its text. */
  args?(input: I): readonly string[]
  env?(input: I): Record<string, string>
  cwd?(input: I): string | undefined
  stdin?(input: I): string | undefined
  become?(input: I): Become | undefined
  /** Exit codes that are not a failure. Default [0]. */
  okCodes?(input: I): readonly number[]
  /** What the input itself says about limits; the call's own limits still hold. */
  timeoutMs?(input: I): number | undefined
  outputBytesMax?(input: I): number | undefined
  /**
   * The contents that the command talks about with its transport (dialogue.ts of @re-ops/operations): it says on its standard output
   * which it wants or has, and they go over its standard input and output. Such a form is a script without `stdin`.
   */
  contents?(input: I): ContentNeeds
  /** A script run after the command was killed, as the same user: removes what it could not remove itself. */
  afterKill?(input: I): string
  parse(result: ShellResult, input: I): O
}

/** Which contents a call may take, by hash; with `tree` the first of them is a list of entries that names more. `gives`: it may give any. */
export type ContentNeeds = { readonly takes?: readonly string[]; readonly tree?: boolean; readonly gives?: boolean }

/**
 * A native form runs on the host in JavaScript: inside the agent (`native: true` in the catalogue), or in the process of its
 * live module, which brings the function itself. It must obey `signal` and give plain JSON.
 */
export type Native<I, O> = (input: I, context: { signal: AbortSignal }) => Promise<O>

/**
 * How a field differs by nature. `host`: from host to host, but stable on one; `any`: whenever one looks; a tolerance: two looks
 * at one host differ by at most that share of the bigger number, or by `absolute` (in the unit of the field), if that is more.
 */
export type Volatility = 'any' | 'host' | { readonly tolerance: number; readonly absolute?: number }

/**
 * The fields of an output that are volatile; all others are stable: two transports asked about one host must agree on them.
 * Keys are paths such as `at` or `mounts.usedBytes` (lists are looked into); `''` is the whole value. A list of paths means `any`.
 * Named fields are left out when results of hosts are folded for people, `''` is not.
 */
export type Varies = readonly string[] | Readonly<Record<string, Volatility>>

/** A named, typed unit of remote work, as data. At least one of `shell` and `native`, by type. */
export type OperationSpec<I = never, O = unknown> = {
  readonly name: string
  /** One line. */
  readonly doc: string
  readonly input: TSchema
  readonly output: TSchema
  /** Changes nothing on the host: may be repeated, and is journalled without a sync. */
  readonly reads?: boolean
  /** Doing it twice is as doing it once. */
  readonly idempotent?: boolean
  /** Per field of the output, how results of many hosts aggregate. */
  readonly summary?: Readonly<Record<string, readonly string[]>>
  /**
   * The result is a fact of the host, kept for selectors under this name: `fact:NAME.path`. A result of `facts` alone is kept field by field:
   * its fields are the facts that every host has. Only the whole is a fact: what a call with input (a filter) gives is not kept.
   */
  readonly fact?: string
  /** Input `dry: true` makes it only say what it would change. */
  readonly dry?: boolean
  readonly varies?: Varies
  /** What of a value is compared when results of hosts are folded for people: close values may be made equal. What varies is left out of it. */
  fold?(value: O): unknown
} & (
  | { readonly shell: Shell<I, O>; readonly native?: boolean | Native<I, O> }
  | { readonly shell?: undefined; readonly native: true | Native<I, O> }
)

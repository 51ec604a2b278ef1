import type { Problem } from '@re-ops/protocols'

/**
 * Why a call of the API did not give an answer.
 * - `unreachable`: nothing answers there, or not in time, or the connection broke and retries did not help.
 * - `denied`: 401 or 403, the token is missing, too old, or may not do this.
 * - `problem`: the service refused the request; `problem` says what, where and what is allowed.
 * - `malformed`: something answered, but not with what the API promises (another program on that port, another version).
 */
export type ClientErrorKind = 'unreachable' | 'denied' | 'problem' | 'malformed'

export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly kind: ClientErrorKind
  readonly status: number | undefined
  readonly problem: Problem | undefined
  /** The problem's stable name, the part of its `type` behind the `#`, for example `selector-matches-nothing`. */
  readonly problemKind: string | undefined

  constructor(
    kind: ClientErrorKind,
    message: string,
    more: { status?: number; problem?: Problem; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause })
    this.kind = kind
    this.status = more.status
    this.problem = more.problem
    this.problemKind = more.problem?.type.replace(/^.*[#/]/, '')
  }
}

/** Whether `error` is a ClientError, of one of the kinds when they are given. */
export const isClientError = (error: unknown, ...kinds: readonly ClientErrorKind[]): error is ClientError =>
  error instanceof ClientError && (kinds.length === 0 || kinds.includes(error.kind))

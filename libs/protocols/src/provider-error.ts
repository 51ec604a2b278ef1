export const providerErrorKinds = [
  'throttled',
  'transient',
  'capacity',
  'quota',
  'auth',
  'denied',
  'not-found',
  'conflict',
  'busy',
  'invalid',
  'protected',
  'identity-mismatch',
  'identity-spent',
  'unsupported',
  'bug',
] as const
export type ProviderErrorKind = (typeof providerErrorKinds)[number]

/** What a provider may add to its refusal. */
export type ProviderErrorFacts = {
  readonly retryAfterMs?: number
  /** The provider's own code and the id it gave the request, for its support. */
  readonly code?: string
  readonly requestId?: string
}

/** Built by us from the facts of a client's error; never wraps the client's error object (it may carry secrets). */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
  readonly kind: ProviderErrorKind
  /** The field that decides between "retry" and "look first". */
  readonly outcome: 'not-applied' | 'unknown'
  readonly retryAfterMs: number | undefined
  readonly code: string | undefined
  readonly requestId: string | undefined
  constructor(
    kind: ProviderErrorKind,
    outcome: 'not-applied' | 'unknown',
    message: string,
    { retryAfterMs, code, requestId }: ProviderErrorFacts = {},
  ) {
    super(message)
    this.kind = kind
    this.outcome = outcome
    this.retryAfterMs = retryAfterMs
    this.code = code
    this.requestId = requestId
  }
}

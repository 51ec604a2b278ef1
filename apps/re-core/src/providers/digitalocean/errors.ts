import { ProviderError, type ProviderErrorKind } from '@re-ops/protocols'
import { plainError } from '../plain.ts'

/** What is kept of an answer that is a refusal; the client's own error holds the token and is let go. */
export class DoRefusal extends Error {
  readonly status: number
  readonly code: string
  readonly retryAfterMs: number | undefined
  readonly requestId: string | undefined
  constructor(status: number, code: string, message: string, more: { retryAfterMs?: number; requestId?: string } = {}) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfterMs = more.retryAfterMs
    this.requestId = more.requestId
  }
}

/** No answer came: the connection broke, or the deadline passed. */
export class DoSilence extends Error {}

/** What a 422 means stands in its text alone. First match; anything else is `invalid`. */
const texts: readonly (readonly [RegExp, ProviderErrorKind])[] = [
  [/pending event|another (action|event)|currently locked|already in progress/i, 'busy'],
  [/must be powered off|is powered off|powered off before/i, 'busy'],
  [/exceed your droplet limit|limit (reached|exceeded)|exceeds? .*limit/i, 'quota'],
  [/not available in|currently unavailable|no longer available|sold out|temporarily disabled/i, 'capacity'],
  [/already in use|already exists|duplicate name|name .*taken/i, 'conflict'],
  [/already attached to another|still attached|attached to a droplet/i, 'busy'],
]
const kinds: Readonly<Record<number, ProviderErrorKind>> = {
  401: 'auth',
  403: 'denied',
  404: 'not-found',
  409: 'conflict',
  429: 'throttled',
}

const kindOf = ({ status, message }: DoRefusal): ProviderErrorKind => {
  if (status >= 500) return 'transient'
  const byText = status === 422 || status === 409 ? texts.find(([pattern]) => pattern.test(message))?.[1] : undefined
  return byText ?? kinds[status] ?? 'invalid'
}

/** By status, and by text where the status says nothing. A refusal (4xx) changed nothing; silence may have. */
export const classifyDo = (error: unknown, mutates: boolean): ProviderError => {
  const unsure = mutates ? 'unknown' : 'not-applied'
  if (error instanceof DoSilence) return new ProviderError('transient', unsure, error.message)
  if (!(error instanceof DoRefusal)) return plainError(error, mutates)
  const { status, code, message, retryAfterMs, requestId } = error
  return new ProviderError(
    kindOf(error),
    status >= 500 ? unsure : 'not-applied',
    `DigitalOcean says ${status} ${code}: ${message}`,
    {
      code,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(requestId === undefined ? {} : { requestId }),
    },
  )
}

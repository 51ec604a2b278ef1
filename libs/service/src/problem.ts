import type { FieldError, Problem } from '@re-ops/protocols'

export type { FieldError }
export type ProblemExtra = { readonly errors?: readonly FieldError[]; readonly retryAfterMs?: number }

/** Thrown by routes and services; answered as problem+json. `kind` is the stable name programs match on. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly status: number
  readonly kind: string
  readonly title: string
  readonly detail: string
  readonly errors: readonly FieldError[] | undefined
  readonly retryAfterMs: number | undefined
  constructor(status: number, kind: string, title: string, detail: string, extra: ProblemExtra = {}) {
    super(`${title}: ${detail}`)
    this.status = status
    this.kind = kind
    this.title = title
    this.detail = detail
    this.errors = extra.errors
    this.retryAfterMs = extra.retryAfterMs
  }
}

/** The body that goes out: RFC 9457, `instance` is the request id that is also in the log. */
export const problemBody = (problem: HttpProblem, requestId: string): Problem => ({
  type: `about:blank#${problem.kind}`,
  title: problem.title,
  status: problem.status,
  detail: problem.detail,
  instance: requestId,
  ...(problem.errors ? { errors: problem.errors.map(e => ({ ...e })) } : {}),
})

import { ProviderError, type CreateRequest } from '@re-ops/protocols'

/** So many characters of a secret in a row are not there by chance. */
const partMin = 16
const hidden = '[redacted]'
/** A refusal's text is shorter by far. */
const textMax = 2_000

/** What a machine is given to begin with, as it was sent; providers that encode it do so in base64. */
const givenTo = (body: CreateRequest['body']): string[] =>
  Object.entries(body).flatMap(([key, value]) => {
    if (!/^user_?data$/i.test(key) || typeof value !== 'string') return []
    return [value, Buffer.from(value, 'base64').toString()]
  })

/** The text without any part of what was sent. */
const without = (text: string, sent: readonly string[]): string => {
  let rest = text.slice(0, textMax)
  let kept = ''
  while (rest.length >= partMin) {
    const begin = rest.slice(0, partMin)
    const whole = sent.find(one => one.includes(begin))
    if (whole === undefined) {
      kept += rest[0]
      rest = rest.slice(1)
      continue
    }
    let length = partMin
    while (length < rest.length && whole.includes(rest.slice(0, length + 1))) length += 1
    kept += hidden
    rest = rest.slice(length)
  }
  return kept + rest
}

/** The failure of a create call, without the user-data and the enrolment token that a cloud may repeat in its refusal. */
export const untold = (error: unknown, { body }: CreateRequest): unknown => {
  const sent = givenTo(body)
  if (sent.length === 0 || !(error instanceof Error)) return error
  const message = without(error.message, sent)
  if (message === error.message) return error
  if (!(error instanceof ProviderError)) return new Error(message)
  const { kind, outcome, retryAfterMs, code, requestId } = error
  return new ProviderError(kind, outcome, message, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(code === undefined ? {} : { code }),
    ...(requestId === undefined ? {} : { requestId }),
  })
}

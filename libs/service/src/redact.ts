import { types } from 'node:util'
import type { TSchema } from 'typebox'

export const hidden = '[redacted]'
const depthMax = 12

const secretKey =
  /(^|[_-])(pass(word|phrase)?|secret|token|authorization|cookie|credentials?|private_?key|master_?key)$/i
const camelSecretKey =
  /(Password|Passphrase|Secret|Token|Authorization|Cookie|Credentials?|PrivateKey|MasterKey|SecretKey)$/
const isSecretKey = (key: string): boolean => secretKey.test(key) || camelSecretKey.test(key)

/** Signed tokens, enrolment tokens, bearer headers and passwords inside URLs, wherever they stand in a text. */
const secretTexts: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g, hidden],
  [/\bre1\.[A-Za-z0-9_-]{20,}(\.[A-Za-z0-9_-]{20,})?/g, hidden],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${hidden}`],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"']*):[^\s@"']+@/gi, `$1:${hidden}@`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, hidden],
]

/** The text without anything that looks like a credential. */
export const redactText = (text: string): string =>
  secretTexts.reduce((redacted, [pattern, by]) => redacted.replace(pattern, by), text)

type Marked = TSchema & { secret?: boolean; redact?: boolean; properties?: Record<string, Marked>; items?: Marked }

const redactAt = (value: unknown, schema: Marked | undefined, depth: number): unknown => {
  if (schema?.secret || schema?.redact) return value === undefined || value === null ? value : hidden
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (depth >= depthMax) return '[too deep]'
  if (Array.isArray(value)) return value.map(item => redactAt(item, schema?.items, depth + 1))
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`
  if (types.isNativeError(value)) return redactError(value)
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      isSecretKey(key) && field !== null && (typeof field === 'string' || typeof field === 'object')
        ? hidden
        : redactAt(field, schema?.properties?.[key], depth + 1),
    ]),
  )
}

/** What of an error may be written down: never its own extra fields, because clients put requests in them. */
export const redactError = (error: Error): Record<string, unknown> => ({
  type: error.name,
  message: redactText(error.message),
  ...(typeof (error as { code?: unknown }).code === 'string' ? { code: (error as { code?: unknown }).code } : {}),
  stack: redactText(error.stack ?? ''),
  ...(types.isNativeError(error.cause) ? { cause: redactText(error.cause.message) } : {}),
})

/**
 * A deep copy that may be logged or shown: fields the schema marks `secret` or `redact`, fields named like a credential,
 * and texts that look like one become `[redacted]`.
 */
export const redact = (value: unknown, schema?: TSchema): unknown => redactAt(value, schema, 0)

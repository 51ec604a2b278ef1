import { createHash, randomBytes } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { v5, v7 } from 'uuid'

/** An id of a host, system, run, call, job... Always a UUID, checked wherever it enters, so it is safe as a folder name. */
export const Id = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  description: 'UUID, lower case',
  examples: ['0193f2a4-8f00-7000-8000-00000000000a'],
})
export type Id = Static<typeof Id>

/** A new id that sorts by time (UUID version 7), which keeps Postgres indexes dense. */
export const newId = (): Id => v7()

/** The same parts give the same id (UUID version 5): what makes a re-sent request the same request. */
export const derivedId = (namespace: Id, ...parts: readonly (string | number)[]): Id => v5(parts.join('|'), namespace)

/** 256 random bits, base64url, 43 characters. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** What is stored instead of a token: SHA-256, base64url. */
export const secretHash = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

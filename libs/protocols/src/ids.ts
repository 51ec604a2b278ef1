import { createHash, randomBytes, randomFillSync } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { v5, v7 } from 'uuid'

/** An id of a host, system, run, call, job... Always a UUID, checked wherever it enters, so it is safe as a folder name. */
export const Id = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  description: 'UUID, lower case',
  examples: ['0193f2a4-8f00-7000-8000-00000000000a'],
})
export type Id = Static<typeof Id>

/** Random bytes for many ids at once: asking for sixteen costs as much as asking for thousands. */
const randomPart = (() => {
  const pool = new Uint8Array(4_096)
  let at = pool.length
  return (): Uint8Array => {
    if (at === pool.length) {
      randomFillSync(pool)
      at = 0
    }
    at += 16
    return pool.subarray(at - 16, at)
  }
})()
/** Within a millisecond ids count on from a random number. */
const last = { msecs: 0, seq: 0 }
const seqMax = 2 ** 32 - 1

/** A new id that sorts by time, also within a millisecond (UUID version 7), which keeps Postgres indexes dense. */
export const newId = (): Id => {
  const random = randomPart()
  const now = Date.now()
  if (now > last.msecs || last.seq === seqMax) {
    last.msecs = Math.max(now, last.msecs + 1)
    last.seq = new DataView(random.buffer, random.byteOffset).getUint32(6) >>> 1
  } else last.seq += 1
  return v7({ random, msecs: last.msecs, seq: last.seq })
}

/** The same parts give the same id (UUID version 5): what makes a re-sent request the same request. */
export const derivedId = (namespace: Id, ...parts: readonly (string | number)[]): Id => v5(parts.join('|'), namespace)

/** 256 random bits, base64url, 43 characters. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** What is stored instead of a token: SHA-256, base64url. */
export const secretHash = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

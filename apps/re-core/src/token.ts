import type { Scope } from '@re-ops/protocols'
import type { TokenSigner } from '@re-ops/service'

const scopes: readonly Scope[] = ['enrolments:write', 'hosts:read']
const lifeS = 3_600
const renewBeforeMs = 600_000

/** re-core's own token for re-mote, signed with the shared key; renewed well before it ends. */
export const ownToken = (sign: TokenSigner, now: () => number): (() => Promise<string>) => {
  let held: { token: Promise<string>; until: number } | null = null
  return () => {
    if (held === null || now() > held.until - renewBeforeMs)
      held = { token: sign({ subject: 're-core', scopes, ttlS: lifeS }), until: now() + lifeS * 1_000 }
    return held.token
  }
}

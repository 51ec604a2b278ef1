import type { Scope } from '@re-ops/protocols'
import type { SignedToken, TokenSigner } from '@re-ops/service'

const scopes: readonly Scope[] = ['enrolments:write', 'hosts:read', 'hosts:write']
const lifeMs = 3_600_000
const renewBeforeMs = 600_000

/** re-core's own token for re-mote, signed with the shared key; renewed well before it ends. */
export const ownToken = (signer: TokenSigner, now: () => number): (() => Promise<string>) => {
  let held: { signed: Promise<SignedToken>; until: number } | null = null
  return async () => {
    if (held === null || now() > held.until - renewBeforeMs)
      held = { signed: signer.sign({ subject: 're-core', scopes, ttlMs: lifeMs }), until: now() + lifeMs }
    return (await held.signed).token
  }
}

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { newId, scopes, type Scope } from '@re-ops/protocols'
import { SignJWT, errors, jwtVerify } from 'jose'
import { ConfigError, type Environment } from './config.ts'
import { ensureFile } from './ensure-file.ts'
import { resolveReference } from './reference.ts'

const issuer = 're-ops'
const yearMs = 365 * 24 * 3600 * 1000
const defaultTtlMs = 90 * 24 * 3600 * 1000

/** Who asks, as a verified token says. */
export type Caller = { readonly subject: string; readonly scopes: readonly Scope[]; readonly tokenId: string }
export type TokenKeys = { readonly privateKey: KeyObject; readonly publicKey: KeyObject }

/** Why a token is not accepted, in one word that is safe to answer. */
export class TokenError extends Error {
  override readonly name = 'TokenError'
}

export type TokenRequest = { readonly subject: string; readonly scopes: readonly Scope[]; readonly ttlMs?: number }
export type SignedToken = { readonly token: string; readonly id: string; readonly expiresAt: string }
export type TokenSigner = { sign(request: TokenRequest): Promise<SignedToken> }
export type TokenVerifier = { verify(token: string): Promise<Caller> }

/** Signs API tokens (EdDSA JWT: sub, scopes, exp, jti). A token lives at most ten years. */
export const makeTokenSigner = ({ privateKey }: { readonly privateKey: KeyObject }): TokenSigner => ({
  sign: async ({ subject, scopes: granted, ttlMs = defaultTtlMs }) => {
    if (ttlMs < 1000 || ttlMs > 10 * yearMs) throw new RangeError(`ttlMs=${ttlMs}: must be 1000 to ${10 * yearMs}`)
    const id = newId()
    const expires = Math.floor((Date.now() + ttlMs) / 1000)
    const token = await new SignJWT({ scopes: [...granted] })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' })
      .setIssuer(issuer)
      .setSubject(subject)
      .setJti(id)
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(privateKey)
    return { token, id, expiresAt: new Date(expires * 1000).toISOString() }
  },
})

const known = new Set<string>(scopes)

type Verified = { readonly caller: Caller; readonly expiresAtMs: number }
const verifiedMax = 1_000

/**
 * Verifies with the public key alone: both services share a key, not a table. Scopes this version does not know are
 * ignored. A genuine token is remembered until it expires (the last thousand), since a program sends the same one with every request.
 */
export const makeTokenVerifier = ({ publicKey }: { readonly publicKey: KeyObject }): TokenVerifier => {
  const verified = new Map<string, Verified>()
  return {
    verify: async token => {
      const known = verified.get(token)
      if (known && Date.now() < known.expiresAtMs) return known.caller
      verified.delete(token)
      const fresh = await verifiedNow(token, publicKey)
      const [oldest] = verified.keys()
      if (verified.size >= verifiedMax && oldest !== undefined) verified.delete(oldest)
      verified.set(token, fresh)
      return fresh.caller
    },
  }
}

const verifiedNow = async (token: string, publicKey: KeyObject): Promise<Verified> => {
  const { payload } = await jwtVerify(token, publicKey, {
    algorithms: ['EdDSA'],
    issuer,
    requiredClaims: ['sub', 'exp', 'jti'],
  }).catch((error: unknown) => {
    throw new TokenError(error instanceof errors.JWTExpired ? 'the token has expired' : 'the token is not genuine')
  })
  const held = Array.isArray(payload['scopes']) ? payload['scopes'] : []
  const caller = {
    subject: payload.sub as string,
    scopes: held.filter((scope): scope is Scope => typeof scope === 'string' && known.has(scope)),
    tokenId: payload.jti as string,
  }
  return { caller, expiresAtMs: (payload.exp as number) * 1000 }
}

const newKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/**
 * The ed25519 key that signs API tokens: from `reference` (file: or env:, PEM), else `<state>/token.key`, made when absent.
 * Two services that start at once end with the same key.
 */
export const ensureTokenKey = async (
  stateFolder: string,
  { reference, environment = {} }: { readonly reference?: string | undefined; readonly environment?: Environment } = {},
): Promise<TokenKeys> => {
  const where = reference ?? `file:${join(stateFolder, 'token.key')}`
  const pem = reference
    ? await resolveReference(reference, { environment })
    : await ensureFile(join(stateFolder, 'token.key'), newKey)
  try {
    const privateKey = createPrivateKey(pem)
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError(`a key of type ${privateKey.asymmetricKeyType}`)
    return { privateKey, publicKey: createPublicKey(privateKey) }
  } catch {
    throw new ConfigError([`${where}: is not an ed25519 private key in PEM`])
  }
}

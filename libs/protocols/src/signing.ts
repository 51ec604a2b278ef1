import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'

/** An ed25519 key pair; both halves are base64url of the raw 32 bytes (RFC 8037 `x` and `d`). */
export type SigningKeys = { publicKey: string; privateKey: string }

export const newSigningKeys = (): SigningKeys => {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { publicKey: jwk.x as string, privateKey: jwk.d as string }
}

/** What is signed: the parts as a JSON array, so no two different lists of parts share a text. */
const bytes = (parts: readonly (string | number)[]) => Buffer.from(JSON.stringify(parts))

/** Signature over the parts, base64url. */
export const signParts = (keys: SigningKeys, parts: readonly (string | number)[]): string => {
  const key = createPrivateKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: keys.publicKey, d: keys.privateKey },
    format: 'jwk',
  })
  return sign(null, bytes(parts), key).toString('base64url')
}

/** Whether `signature` is that of `publicKey` over the parts. Never throws, whatever the bytes are. */
export const verifyParts = (publicKey: string, parts: readonly (string | number)[], signature: string): boolean => {
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
    return verify(null, bytes(parts), key, Buffer.from(signature, 'base64url'))
  } catch {
    return false // not a key, or not a signature
  }
}

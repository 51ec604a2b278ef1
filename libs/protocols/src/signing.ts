import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'

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

/** Reading a key takes as long as using it, and most ask for the one they asked for before. */
let last: { readonly text: string; readonly key: KeyObject } | undefined

/** Whether `signature` is that of `publicKey` over the parts. Never throws, whatever the bytes are. */
export const verifyParts = (publicKey: string, parts: readonly (string | number)[], signature: string): boolean => {
  try {
    if (last?.text !== publicKey) {
      const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
      last = { text: publicKey, key }
    }
    return verify(null, bytes(parts), last.key, Buffer.from(signature, 'base64url'))
  } catch {
    return false // not a key, or not a signature
  }
}

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'

/** Sealed bodies (RFC 9180 HPKE, base mode): only the holder of the installation's private key can read them. */
const suite = () => new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
const info = new TextEncoder().encode('re-ops enrol v1').buffer

/** A key pair for sealing, both halves base64url of the raw 32 bytes. */
export const newSealKeys = async (): Promise<{ publicKey: string; privateKey: string }> => {
  const { kem } = suite()
  const pair = await kem.generateKeyPair()
  return {
    publicKey: Buffer.from(await kem.serializePublicKey(pair.publicKey)).toString('base64url'),
    privateKey: Buffer.from(await kem.serializePrivateKey(pair.privateKey)).toString('base64url'),
  }
}

const raw = (base64url: string): ArrayBuffer => new Uint8Array(Buffer.from(base64url, 'base64url')).buffer

/** Text -> one base64url string `enc.ciphertext` that only the private key opens. */
export const seal = async (publicKey: string, text: string): Promise<string> => {
  const hpke = suite()
  const recipientPublicKey = await hpke.kem.deserializePublicKey(raw(publicKey))
  const sender = await hpke.createSenderContext({ recipientPublicKey, info })
  const sealed = await sender.seal(new TextEncoder().encode(text).buffer)
  return `${Buffer.from(sender.enc).toString('base64url')}.${Buffer.from(sealed).toString('base64url')}`
}

/** The text that was sealed, or `null` when it was not sealed for this key or is damaged. */
export const unseal = async (privateKey: string, sealed: string): Promise<string | null> => {
  const [enc, body, ...rest] = sealed.split('.')
  if (!enc || !body || rest.length > 0) return null
  try {
    const hpke = suite()
    const recipientKey = await hpke.kem.deserializePrivateKey(raw(privateKey))
    const recipient = await hpke.createRecipientContext({ recipientKey, enc: raw(enc), info })
    return new TextDecoder().decode(await recipient.open(raw(body)))
  } catch {
    return null // damaged or meant for another key: to the caller both are the same
  }
}

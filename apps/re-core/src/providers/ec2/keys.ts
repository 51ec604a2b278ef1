import type { KeyPairInfo } from '@aws-sdk/client-ec2'
import { ProviderError, type KeyApi, type SshKey } from '@re-ops/protocols'
import { keyBody } from '../key-body.ts'
import { acting, destroying, listing, reading, type CallKind, type Ec2Call } from './client.ts'

const key = ({ KeyPairId, KeyName, KeyFingerprint }: KeyPairInfo): SshKey => ({
  ref: KeyPairId ?? '',
  name: KeyName ?? '',
  fingerprint: KeyFingerprint ?? '',
})

/** A filter finds nothing where there is none; names and ids would be refused. */
const found = async (
  call: Ec2Call,
  kind: CallKind,
  name: string | null,
  signal: AbortSignal,
): Promise<KeyPairInfo[]> => {
  const asked = {
    IncludePublicKey: true,
    ...(name === null ? {} : { Filters: [{ Name: 'key-name', Values: [name] }] }),
  }
  const { KeyPairs } = await call(kind, signal, (client, options) => client.describeKeyPairs(asked, options))
  return KeyPairs ?? []
}

/** The one of that name, when it is the same key. Throws `conflict`. */
const same = (known: KeyPairInfo | undefined, publicKey: string): SshKey | null => {
  if (known === undefined) return null
  if (keyBody(known.PublicKey ?? '') === keyBody(publicKey)) return key(known)
  throw new ProviderError('conflict', 'not-applied', `there is another key with the name ${known.KeyName}`)
}

const make = async (call: Ec2Call, name: string, publicKey: string, signal: AbortSignal): Promise<SshKey> => {
  const asked = { KeyName: name, PublicKeyMaterial: Buffer.from(publicKey.trim()) }
  try {
    return key(await call(acting, signal, (client, options) => client.importKeyPair(asked, options)))
  } catch (error) {
    if (!(error instanceof ProviderError) || error.code !== 'InvalidKeyPair.Duplicate') throw error
    const [raced] = await found(call, reading, name, signal)
    const taken = same(raced, publicKey)
    if (taken === null) throw error
    return taken
  }
}

/** Key pairs of the region, of which EC2 is told the public half alone. */
export const makeKeys = (call: Ec2Call): KeyApi => ({
  ensure: async ({ name, publicKey }, signal) => {
    const [known] = await found(call, reading, name, signal)
    return same(known, publicKey) ?? make(call, name, publicKey, signal)
  },
  list: async signal => (await found(call, listing, null, signal)).map(key),
  delete: async (ref, signal) => {
    try {
      await call(destroying, signal, (client, options) => client.deleteKeyPair({ KeyPairId: ref }, options))
    } catch (error) {
      if (!(error instanceof ProviderError && error.kind === 'not-found')) throw error
    }
  },
})

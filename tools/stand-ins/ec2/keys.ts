import { createHash } from 'node:crypto'
import type { DeleteKeyPairRequest, DescribeKeyPairsRequest, KeyPairInfo } from '@aws-sdk/client-ec2'
import { matches, tagFields } from './filters.ts'
import { refuse } from './refusal.ts'
import { tagsOf, type Ec2State, type Key } from './state.ts'

/** Of a key's kinds those that EC2 takes. */
const kinds = { 'ssh-ed25519': 'ed25519', 'ssh-rsa': 'rsa' } as const

const parsed = (publicKey: string): { readonly kind: keyof typeof kinds; readonly blob: Buffer } => {
  const [kind = '', body = ''] = publicKey.trim().split(/\s+/)
  const blob = Buffer.from(body, 'base64')
  // A key says its own kind in its first field.
  if (!(kind in kinds) || blob.toString('latin1', 4, 4 + kind.length) !== kind)
    refuse('InvalidKey.Format', 'Key is not in valid OpenSSH public key format')
  return { kind: kind as keyof typeof kinds, blob }
}

const view = (state: Ec2State, one: Key, withKey: boolean): KeyPairInfo => ({
  KeyPairId: one.id,
  KeyName: one.name,
  KeyFingerprint: one.fingerprint,
  KeyType: kinds[parsed(one.publicKey).kind],
  CreateTime: new Date(one.createdAt),
  Tags: tagsOf(state, one.id),
  ...(withKey ? { PublicKey: one.publicKey } : {}),
})

/** The codec leaves what is bytes as it is on the wire. */
type ImportKeyPair = { KeyName?: string; PublicKeyMaterial?: string }
const importKey = (state: Ec2State, { KeyName = '', PublicKeyMaterial = '' }: ImportKeyPair): KeyPairInfo => {
  const publicKey = Buffer.from(PublicKeyMaterial, 'base64').toString().trim()
  const { blob } = parsed(publicKey)
  if (state.keys.has(KeyName)) refuse('InvalidKeyPair.Duplicate', `The keypair '${KeyName}' already exists.`)
  const fingerprint = createHash('sha256').update(blob).digest('base64')
  const key: Key = { id: state.nextId('key'), name: KeyName, fingerprint, publicKey, createdAt: state.clock.now() }
  state.keys.set(KeyName, key)
  return { KeyPairId: key.id, KeyName, KeyFingerprint: fingerprint }
}

const keyNamed = (state: Ec2State, name: string): Key =>
  state.keys.get(name) ?? refuse('InvalidKeyPair.NotFound', `The key pair '${name}' does not exist`)

const fieldsOf = (state: Ec2State, one: Key) => (name: string) => {
  const known: Readonly<Record<string, readonly string[]>> = {
    'key-name': [one.name],
    'key-pair-id': [one.id],
    fingerprint: [one.fingerprint],
  }
  return tagFields(state.tags.get(one.id), name) ?? known[name]
}

/** Throws when a machine is asked for with a key that nobody imported. */
export const checkKey = (state: Ec2State, name: string | undefined): void => {
  if (name !== undefined) keyNamed(state, name)
}

export const keyActions = {
  ImportKeyPair: importKey,
  DescribeKeyPairs: (state: Ec2State, input: DescribeKeyPairsRequest) => {
    const asked = input.KeyNames?.map(name => keyNamed(state, name)) ?? [...state.keys.values()]
    const found = asked.filter(one => matches(input.Filters, fieldsOf(state, one)))
    return { KeyPairs: found.map(one => view(state, one, input.IncludePublicKey ?? false)) }
  },
  /** One that is not there is none to be refused for. */
  DeleteKeyPair: (state: Ec2State, { KeyName, KeyPairId }: DeleteKeyPairRequest): object => {
    const one = [...state.keys.values()].find(key => key.name === KeyName || key.id === KeyPairId)
    if (one !== undefined) {
      state.keys.delete(one.name)
      state.tags.delete(one.id)
    }
    return { Return: true, ...(one === undefined ? {} : { KeyPairId: one.id }) }
  },
}

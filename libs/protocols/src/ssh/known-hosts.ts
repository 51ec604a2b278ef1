import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { patternsFit } from './pattern.ts'

/** One line of a known_hosts file. `key` is base64, as it stands there. */
export type KnownHost = {
  readonly marker: 'none' | 'revoked' | 'cert-authority'
  /** Patterns, or one hashed name `|1|salt|hash`. */
  readonly names: readonly string[]
  readonly type: string
  readonly key: string
  readonly where: string
}
export type KnownHosts = { readonly entries: readonly KnownHost[]; readonly warnings: readonly string[] }

const lineLengthMax = 32_768

/** Reads a known_hosts file; lines that cannot be read are warnings. */
export const parseKnownHosts = (text: string, where: string): KnownHosts => {
  const entries: KnownHost[] = []
  const warnings: string[] = []
  for (const [n, line] of text.split('\n').entries()) {
    const at = `${where}:${n + 1}`
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const words = trimmed.length > lineLengthMax ? [] : trimmed.split(/\s+/)
    const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined
    const [names, type, key] = words
    if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority')
      warnings.push(`${at}: marker ${marker.slice(0, 40)} is not known; the line is left out`)
    else if (!names || !type || !key || keyTypeOf(Buffer.from(key, 'base64')) !== type)
      warnings.push(`${at}: is not \`names type key\`; the line is left out`)
    else
      entries.push({
        marker: marker === undefined ? 'none' : marker === '@revoked' ? 'revoked' : 'cert-authority',
        names: names.split(','),
        type,
        key,
        where: at,
      })
  }
  return { entries, warnings }
}

/** How known_hosts names a host: alone at port 22, else `[host]:port`. */
export const knownHostName = (host: string, port: number): string =>
  port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`

/** The type that a public key names itself, or '' when the bytes are no key. */
export const keyTypeOf = (key: Uint8Array): string => {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  const length = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0
  return length > 0 && length <= 64 && bytes.length > 4 + length ? bytes.toString('latin1', 4, 4 + length) : ''
}

/** As ssh-keygen shows it. */
export const fingerprint = (key: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`

const hashedFits = (hashed: string, name: string): boolean => {
  const [, version, salt, hash] = hashed.split('|')
  if (version !== '1' || salt === undefined || hash === undefined) return false
  const expected = Buffer.from(hash, 'base64')
  const made = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
  return expected.length === made.length && timingSafeEqual(expected, made)
}

const names = (entry: KnownHost, name: string): boolean =>
  entry.names.length === 1 && entry.names[0]?.startsWith('|') === true
    ? hashedFits(entry.names[0], name)
    : patternsFit(entry.names, name)

/** The lines that speak of a host, whatever they say. */
export const entriesFor = (known: readonly KnownHost[], name: string): KnownHost[] =>
  known.filter(entry => names(entry, name))

export type HostKeyVerdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'unknown' }
  /** Another key is known for this host: of this type, or of others only. */
  | { readonly kind: 'changed'; readonly where: string; readonly fingerprint: string }
  | { readonly kind: 'revoked'; readonly where: string }
  /** Only an authority is known, which signs host certificates. */
  | { readonly kind: 'authority'; readonly where: string }

/**
 * Whether the key a host shows is the one that is known. A revoked key is refused wherever it is shown. Stricter than ssh in one thing: a
 * host known by keys of other types only has `changed`, so that an impostor gains nothing by showing another type.
 */
export const judgeHostKey = (known: readonly KnownHost[], name: string, key: Uint8Array): HostKeyVerdict => {
  const shown = Buffer.from(key).toString('base64')
  const speaking = entriesFor(known, name)
  const revoked = speaking.find(entry => entry.marker === 'revoked' && entry.key === shown)
  if (revoked) return { kind: 'revoked', where: revoked.where }
  const plain = speaking.filter(entry => entry.marker === 'none')
  if (plain.some(entry => entry.key === shown)) return { kind: 'known' }
  const type = keyTypeOf(key)
  const other = plain.find(entry => entry.type === type) ?? plain[0]
  if (other) return { kind: 'changed', where: other.where, fingerprint: fingerprint(Buffer.from(other.key, 'base64')) }
  const authority = speaking.find(entry => entry.marker === 'cert-authority')
  return authority ? { kind: 'authority', where: authority.where } : { kind: 'unknown' }
}

/** Types of the keys known for a host: asked for first, as ssh does, so that the host shows one that is known. */
export const knownTypes = (known: readonly KnownHost[], name: string): string[] => [
  ...new Set(entriesFor(known, name).flatMap(entry => (entry.marker === 'none' ? [entry.type] : []))),
]

export const knownHostLine = (name: string, key: Uint8Array): string =>
  `${name} ${keyTypeOf(key)} ${Buffer.from(key).toString('base64')}\n`

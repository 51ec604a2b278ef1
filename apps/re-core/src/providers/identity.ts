import { createHash } from 'node:crypto'
import { derivedId, type Identity } from '@re-ops/protocols'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
/** RFC 4648 base32, lower case, without padding. */
const base32 = (bytes: Uint8Array): string => {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(value >>> bits) & 31]
    }
    value &= (1 << bits) - 1
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text
}

/**
 * The identity of one life of a system. It follows from these four values alone and not from the request, so a new
 * release that changes a default still asks for the same machine.
 */
export const identityOf = (installation: string, vmId: string, generation: number, candidate: number): Identity => {
  const hash = createHash('sha256').update([installation, vmId, generation, candidate].join('|')).digest()
  return {
    installation,
    vmId,
    generation,
    candidate,
    token: `rc1-${base32(hash).slice(0, 40)}`,
    uuid: derivedId(installation, vmId, generation, candidate),
  }
}

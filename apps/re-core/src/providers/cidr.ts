import { isIPv4, isIPv6 } from 'node:net'
import { ProviderError } from '@re-ops/protocols'

const invalid = (peer: string): never => {
  throw new ProviderError(
    'invalid',
    'not-applied',
    `${peer} is not an address or CIDR, as 192.0.2.0/24 or 2001:db8::/32`,
  )
}

const v4Bits = (address: string): bigint => address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n)
const v4Text = (bits: bigint): string => [24n, 16n, 8n, 0n].map(shift => (bits >> shift) & 255n).join('.')

/** As the URL standard writes it: eight groups, the longest run of zeros left out. */
const plain6 = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1)
const v6Bits = (address: string): bigint => {
  const [head = '', tail] = plain6(address).split('::')
  const groups = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'))
  const [before, after] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n)
}
const v6Text = (bits: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, n) => ((bits >> BigInt(112 - 16 * n)) & 0xffffn).toString(16))
  return plain6(groups.join(':'))
}

/**
 * The network that a peer of a rule means, written in one way: an address alone is a network of one, and what stands
 * behind the mask is zero. Throws `invalid`.
 */
export const cidrOf = (peer: string): { readonly cidr: string; readonly is6: boolean } => {
  const [address = '', mask] = peer.split('/')
  const is6 = isIPv6(address)
  if (!is6 && !isIPv4(address)) return invalid(peer)
  const width = is6 ? 128 : 32
  const length = mask === undefined ? width : Number(mask)
  if (length > width) return invalid(peer)
  const rest = BigInt(width - length)
  const network = ((is6 ? v6Bits(address) : v4Bits(address)) >> rest) << rest
  return { cidr: `${is6 ? v6Text(network) : v4Text(network)}/${length}`, is6 }
}

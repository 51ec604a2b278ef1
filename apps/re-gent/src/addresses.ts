import { networkInterfaces } from 'node:os'
import { hostAddressesMax } from '@re-ops/protocols'

/** Bridges and links that a host makes for its own guests and containers: nobody reaches it there. */
const itsOwn = /^(docker|br-|veth|virbr|vnet|tap|cni|flannel|cali|podman)/

/** Addresses by which this host may be reached; IPv4 first. */
export const ownAddresses = (): string[] => {
  const all = Object.entries(networkInterfaces()).flatMap(([name, found]) => (itsOwn.test(name) ? [] : (found ?? [])))
  const shown = all.filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
  const ordered = shown.toSorted((a, b) => a.family.localeCompare(b.family))
  return [...new Set(ordered.map(({ address }) => address))].slice(0, hostAddressesMax)
}

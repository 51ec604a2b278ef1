import { networkInterfaces } from 'node:os'
import { hostAddressesMax } from '@re-ops/protocols'

/** Bridges and links that a host makes for its own guests and containers: nobody reaches it there. */
const itsOwn = /^(docker|br-|veth|virbr|vnet|tap|cni|flannel|cali|podman)/

/** Addresses by which this host may be reached; IPv4 first. */
export const ownAddresses = (): string[] => {
  const all = Object.entries(networkInterfaces()).flatMap(([name, found]) => (itsOwn.test(name) ? [] : (found ?? [])))
  const shown = all.filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
  // By hand: to compare by a locale an agent would load and keep 3 MB of it.
  const ordered = ['IPv4', 'IPv6'].flatMap(family => shown.filter(one => one.family === family))
  return [...new Set(ordered.map(({ address }) => address))].slice(0, hostAddressesMax)
}

import { bits, type Flags } from './flags.ts'
import type { Call, CallOptions } from './link.ts'
import { procedures } from './procedures.ts'
import type { Network } from './types.ts'

const listFlags = { inactive: 1, active: 2, persistent: 4, transient: 8, autostart: 16, noAutostart: 32 } as const

/** One address that libvirt's DHCP gave away. */
export type Lease = {
  readonly mac: string | null
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
  readonly hostname: string | null
  readonly clientId: string | null
  /** Seconds since 1970. */
  readonly expiresAt: number
}

/** Networks that libvirt runs. */
export const makeNetworks = (call: Call) => ({
  list: async (o: Flags<typeof listFlags> & CallOptions = {}) =>
    (await call(procedures.networks, { needResults: 1, flags: bits(listFlags, o) }, o)).found,
  /** Fails with `no-network` when there is none. */
  byName: async (name: string, o?: CallOptions) => (await call(procedures.networkByName, { name }, o)).net,
  /** Fails with `no-network` when there is none. */
  byUuid: async (uuid: string, o?: CallOptions) => (await call(procedures.networkByUuid, { uuid }, o)).net,
  define: async (xml: string, o?: CallOptions) => (await call(procedures.networkDefine, { xml }, o)).net,
  /** Starts one that is gone once it stops. */
  createXml: async (xml: string, o?: CallOptions) => (await call(procedures.networkCreateXml, { xml }, o)).net,
  /** Starts a defined one. */
  create: (net: Network, o?: CallOptions) => call(procedures.networkCreate, { net }, o),
  /** Stops it. */
  destroy: (net: Network, o?: CallOptions) => call(procedures.networkDestroy, { net }, o),
  undefine: (net: Network, o?: CallOptions) => call(procedures.networkUndefine, { net }, o),
  xml: async (net: Network, o?: CallOptions) => (await call(procedures.networkXml, { net, flags: 0 }, o)).text,
  /** Name of its bridge on the host. */
  bridge: async (net: Network, o?: CallOptions) => (await call(procedures.networkBridge, { net }, o)).text,
  autostart: async (net: Network, o?: CallOptions) => (await call(procedures.networkAutostart, { net }, o)).value,
  setAutostart: (net: Network, isOn: boolean, o?: CallOptions) =>
    call(procedures.networkSetAutostart, { net, value: isOn ? 1 : 0 }, o),
  isActive: async (net: Network, o?: CallOptions) => (await call(procedures.networkIsActive, { net }, o)).value,
  /** Of all, or of one MAC address. */
  leases: async (net: Network, o: CallOptions & { readonly mac?: string | undefined } = {}): Promise<Lease[]> => {
    const args = { net, mac: o.mac ?? null, needResults: 1, flags: 0 }
    const { leases } = await call(procedures.networkLeases, args, o)
    return leases.map(({ mac, ipaddr, prefix, type, hostname, clientid, expirytime }) => ({
      mac,
      address: ipaddr,
      prefix,
      family: type === 0 ? 'ipv4' : 'ipv6',
      hostname,
      clientId: clientid,
      expiresAt: Number(expirytime),
    }))
  },
})
export type Networks = ReturnType<typeof makeNetworks>

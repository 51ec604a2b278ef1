import type { Duplex } from 'node:stream'
import { makeConnection, type Connection, type ConnectOptions } from './connection.ts'
import { makeDomains } from './domains.ts'
import { makeEvents } from './events.ts'
import { bits } from './flags.ts'
import type { CallOptions } from './link.ts'
import { makeNetworks } from './networks.ts'
import { makeNode } from './node.ts'
import { makePools } from './pools.ts'
import { procedures } from './procedures.ts'
import { makeSnapshots } from './snapshots.ts'
import { openStream } from './streams.ts'
import type { Domain } from './types.ts'
import { makeVolumes } from './volumes.ts'

const consoleFlags = { force: 1, safe: 2 } as const
export type ConsoleOptions = CallOptions & {
  /** Alias of the device; the first serial port or console unless told. */
  readonly device?: string | undefined
  /** Takes it from whoever has it open. */
  readonly force?: boolean | undefined
  readonly safe?: boolean | undefined
}

const familiesOf = (connection: Connection) => {
  const { call } = connection
  return {
    node: makeNode(call),
    domains: {
      ...makeDomains(call),
      /** What its serial console says, and what is typed into it; on a connection of its own. */
      console: (dom: Domain, { device = null, ...o }: ConsoleOptions | { device?: null } = {}): Promise<Duplex> => {
        const args = { dom, device, flags: bits(consoleFlags, o) }
        return openStream(connection, procedures.domainConsole, args, 'both', o)
      },
    },
    volumes: makeVolumes(connection),
    pools: makePools(call),
    networks: makeNetworks(call),
    snapshots: makeSnapshots(call),
    events: makeEvents(connection),
    /** Any procedure of the table, by itself. */
    call,
    /** Says goodbye. Calls fail with `closed` from then on. */
    close: () => connection.close(),
  }
}
/** A client of one libvirtd. */
export type Libvirt = ReturnType<typeof familiesOf>

/** A client that connects with its first call. Throws UriError. */
export const makeLibvirt = (uri: string, options?: ConnectOptions): Libvirt => familiesOf(makeConnection(uri, options))

/**
 * Connects to the libvirtd of that URI, for example `qemu:///system`, `qemu+ssh://user@host/system` or `test:///default`.
 * Rejects with UriError, with LinkError when it is not reached, with LibvirtError when it refuses. A lost connection is
 * made again by the next call; what was under way fails with LinkError, which says whether it was sent.
 */
export const open = async (uri: string, options?: ConnectOptions): Promise<Libvirt> => {
  const libvirt = makeLibvirt(uri, options)
  try {
    await libvirt.node.type()
    return libvirt
  } catch (error) {
    await libvirt.close()
    throw error
  }
}

import type { Call, CallOptions } from './link.ts'
import { procedures } from './procedures.ts'

const versionOf = (packed: number): string =>
  [Math.floor(packed / 1_000_000), Math.floor(packed / 1_000) % 1_000, packed % 1_000].join('.')

/** The host that runs libvirtd. */
export const makeNode = (call: Call) => ({
  /** Of the driver, for example `QEMU` or `TEST`. */
  type: async (o?: CallOptions) => (await call(procedures.type, undefined, o)).text,
  /** Of the hypervisor, for example `7.2.0`. */
  version: async (o?: CallOptions) => versionOf((await call(procedures.version, undefined, o)).version),
  libVersion: async (o?: CallOptions) => versionOf((await call(procedures.libVersion, undefined, o)).version),
  hostname: async (o?: CallOptions) => (await call(procedures.hostname, undefined, o)).text,
  uri: async (o?: CallOptions) => (await call(procedures.uri, undefined, o)).text,
  /** XML. */
  capabilities: async (o?: CallOptions) => (await call(procedures.capabilities, undefined, o)).text,
  /** XML: what machines of this kind may have. */
  domainCapabilities: async (
    o: CallOptions & { readonly [K in 'emulator' | 'arch' | 'machine' | 'virtType']?: string | undefined } = {},
  ) => {
    const { emulator = null, arch = null, machine = null, virtType = null } = o
    return (await call(procedures.domainCapabilities, { emulator, arch, machine, virtType, flags: 0 }, o)).text
  },
  info: async (o?: CallOptions) => {
    const { memory, ...rest } = await call(procedures.nodeInfo, undefined, o)
    return { ...rest, memoryKiB: memory }
  },
})
export type Node = ReturnType<typeof makeNode>

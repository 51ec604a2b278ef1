import { bits, wordOf, type Flags } from './flags.ts'
import type { Call, CallOptions } from './link.ts'
import { procedures } from './procedures.ts'
import type { Domain, TypedParam } from './types.ts'

const createFlags = { paused: 1, autodestroy: 2, bypassCache: 4, forceBoot: 8, validate: 16, resetNvram: 32 } as const
const defineFlags = { validate: 1 } as const
const shutdownFlags = { acpi: 1, agent: 2, initctl: 4, signalled: 8, paravirt: 16 } as const
const destroyFlags = { graceful: 1, removeLogs: 2 } as const
const undefineFlags = {
  managedSave: 1,
  snapshotsMetadata: 2,
  nvram: 4,
  keepNvram: 8,
  checkpointsMetadata: 16,
  tpm: 32,
  keepTpm: 64,
} as const
const saveFlags = { bypassCache: 1, running: 2, paused: 4, resetNvram: 8 } as const
const listFlags = {
  active: 1,
  inactive: 2,
  persistent: 4,
  transient: 8,
  running: 16,
  paused: 32,
  shutoff: 64,
  managedSave: 256,
  noManagedSave: 512,
  autostart: 1_024,
  noAutostart: 2_048,
  hasSnapshot: 4_096,
  noSnapshot: 8_192,
} as const
const xmlFlags = { secure: 1, inactive: 2, updateCpu: 4, migratable: 8 } as const
/** What a change is for: the running machine, its next start, or both; neither is the state it is in. */
const affectFlags = { live: 1, config: 2 } as const
const sizeFlags = { ...affectFlags, maximum: 4 } as const
const resizeFlags = { bytes: 1 } as const
const statsFlags = {
  state: 1,
  cpu: 2,
  balloon: 4,
  vcpu: 8,
  interface: 16,
  block: 32,
  perf: 64,
  iothread: 128,
  memory: 256,
} as const

const stateWords = ['no-state', 'running', 'blocked', 'paused', 'shutdown', 'shutoff', 'crashed', 'suspended'] as const
/** `shutdown`: being shut down; `suspended`: by the guest's own power management. */
export type DomainState = (typeof stateWords)[number] | 'unknown'
const sources = { lease: 0, agent: 1, arp: 2 } as const
const metadataTypes = { description: 0, title: 1, element: 2 } as const
const impacts = { current: 0, live: 1, config: 2 } as const

type With<F extends Readonly<Record<string, number>>> = Flags<F> & CallOptions
/** Memory and times of a machine: KiB, and nanoseconds of CPU. */
export type DomainInfo = {
  readonly state: DomainState
  readonly memoryKiB: number
  readonly memoryMaxKiB: number
  readonly vcpus: number
  readonly cpuTimeNs: bigint
}
export type DomainInterface = {
  readonly name: string
  readonly mac: string | null
  readonly addresses: readonly { readonly family: 'ipv4' | 'ipv6'; readonly address: string; readonly prefix: number }[]
}
export type DomainStats = { readonly domain: Domain; readonly values: ReadonlyMap<string, TypedParam['value']> }

/** Machines. Each takes the domain as any look-up gives it; only its `uuid` decides. */
export const makeDomains = (call: Call) => ({
  ...makeFinding(call),
  ...makePower(call),
  ...makeReading(call),
  ...makeChanging(call),
})
export type Domains = ReturnType<typeof makeDomains>

const makeFinding = (call: Call) => ({
  /** All of them, or those that the flags name. */
  list: async (o: With<typeof listFlags> = {}) =>
    (await call(procedures.domains, { needResults: 1, flags: bits(listFlags, o) }, o)).found,
  /** Fails with `no-domain` when there is none. */
  byUuid: async (uuid: string, o?: CallOptions) => (await call(procedures.domainByUuid, { uuid }, o)).dom,
  /** Fails with `no-domain` when there is none. */
  byName: async (name: string, o?: CallOptions) => (await call(procedures.domainByName, { name }, o)).dom,
})

const makePower = (call: Call) => ({
  /** Starts a defined one. `paused`: its CPUs do not run yet. */
  create: async (dom: Domain, o: With<typeof createFlags> = {}) =>
    (await call(procedures.domainCreate, { dom, flags: bits(createFlags, o) }, o)).dom,
  /** Starts one that is gone once it stops. */
  createXml: async (xml: string, o: With<typeof createFlags> = {}) =>
    (await call(procedures.domainCreateXml, { xml, flags: bits(createFlags, o) }, o)).dom,
  /** Asks the guest to shut down; it may not listen. */
  shutdown: (dom: Domain, o: With<typeof shutdownFlags> = {}) =>
    call(procedures.domainShutdown, { dom, flags: bits(shutdownFlags, o) }, o),
  /** Takes the power away. */
  destroy: (dom: Domain, o: With<typeof destroyFlags> = {}) =>
    call(procedures.domainDestroy, { dom, flags: bits(destroyFlags, o) }, o),
  /** Asks the guest to restart; it may not listen. */
  reboot: (dom: Domain, o: With<typeof shutdownFlags> = {}) =>
    call(procedures.domainReboot, { dom, flags: bits(shutdownFlags, o) }, o),
  /** Presses the reset button. */
  reset: (dom: Domain, o?: CallOptions) => call(procedures.domainReset, { dom, flags: 0 }, o),
  suspend: (dom: Domain, o?: CallOptions) => call(procedures.domainSuspend, { dom }, o),
  resume: (dom: Domain, o?: CallOptions) => call(procedures.domainResume, { dom }, o),
  /** Writes memory to disk and stops; the next `create` goes on from there. */
  managedSave: (dom: Domain, o: With<typeof saveFlags> = {}) =>
    call(procedures.domainManagedSave, { dom, flags: bits(saveFlags, o) }, o),
  hasManagedSave: async (dom: Domain, o?: CallOptions) =>
    (await call(procedures.domainHasManagedSave, { dom, flags: 0 }, o)).value,
  removeManagedSave: (dom: Domain, o?: CallOptions) => call(procedures.domainManagedSaveRemove, { dom, flags: 0 }, o),
})

const makeReading = (call: Call) => ({
  state: async (dom: Domain, o?: CallOptions) => {
    const { state, reason } = await call(procedures.domainState, { dom, flags: 0 }, o)
    return { state: wordOf(stateWords, state), reason }
  },
  info: async (dom: Domain, o?: CallOptions): Promise<DomainInfo> => {
    const { state, memory, maxMem, vcpus, cpuTime } = await call(procedures.domainInfo, { dom }, o)
    const word = wordOf(stateWords, state)
    return { state: word, memoryKiB: memory, memoryMaxKiB: maxMem, vcpus, cpuTimeNs: cpuTime }
  },
  /** Measured values by libvirt's names, such as `cpu.time`; of all machines when none is named. */
  stats: async (doms: readonly Domain[] = [], o: With<typeof statsFlags> = {}): Promise<DomainStats[]> => {
    const args = { doms: [...doms], stats: bits(statsFlags, o), flags: 0 }
    const { records } = await call(procedures.domainStats, args, o)
    return records.map(({ dom, params }) => ({
      domain: dom,
      values: new Map(params.map(({ field, value }) => [field, value] as const)),
    }))
  },
  xml: async (dom: Domain, o: With<typeof xmlFlags> = {}) =>
    (await call(procedures.domainXml, { dom, flags: bits(xmlFlags, o) }, o)).text,
  /** `source`: DHCP leases of libvirt's networks, the guest's agent, or this host's ARP table. */
  addresses: async (dom: Domain, source: keyof typeof sources, o?: CallOptions): Promise<DomainInterface[]> => {
    const { interfaces } = await call(procedures.domainAddresses, { dom, source: sources[source], flags: 0 }, o)
    return interfaces.map(({ name, hwaddr, addrs }) => ({
      name,
      mac: hwaddr,
      addresses: addrs.map(one => ({
        family: one.type === 0 ? 'ipv4' : 'ipv6',
        address: one.addr,
        prefix: one.prefix,
      })),
    }))
  },
  /** Title, description, or the element of that namespace; fails with `no-metadata` when there is none. */
  metadata: async (
    dom: Domain,
    type: keyof typeof metadataTypes,
    o: CallOptions & { readonly uri?: string | undefined; readonly of?: keyof typeof impacts | undefined } = {},
  ) => {
    const args = { dom, type: metadataTypes[type], uri: o.uri ?? null, flags: impacts[o.of ?? 'current'] }
    return (await call(procedures.domainMetadata, args, o)).text
  },
  autostart: async (dom: Domain, o?: CallOptions) => (await call(procedures.domainAutostart, { dom }, o)).value,
  isPersistent: async (dom: Domain, o?: CallOptions) => (await call(procedures.domainIsPersistent, { dom }, o)).value,
  /** `maximum`: what it may have, not what it has. */
  vcpus: async (dom: Domain, o: With<typeof sizeFlags> = {}) =>
    (await call(procedures.domainVcpus, { dom, flags: bits(sizeFlags, o) }, o)).value,
  /** Bytes of a disk, named by its target (`vda`) or its path. */
  blockInfo: (dom: Domain, path: string, o?: CallOptions) =>
    call(procedures.domainBlockInfo, { dom, path, flags: 0 }, o),
})

const makeChanging = (call: Call) => ({
  /** Writes it down; it does not run yet. The same UUID and name again replaces what was written. */
  define: async (xml: string, o: With<typeof defineFlags> = {}) =>
    (await call(procedures.domainDefine, { xml, flags: bits(defineFlags, o) }, o)).dom,
  undefine: (dom: Domain, o: With<typeof undefineFlags> = {}) =>
    call(procedures.domainUndefine, { dom, flags: bits(undefineFlags, o) }, o),
  rename: async (dom: Domain, name: string, o?: CallOptions) =>
    void (await call(procedures.domainRename, { dom, name, flags: 0 }, o)),
  /** Null takes it away. An element needs its namespace's `uri` and a prefix as `key`. */
  setMetadata: (
    dom: Domain,
    type: keyof typeof metadataTypes,
    metadata: string | null,
    o: With<typeof affectFlags> & { readonly key?: string | undefined; readonly uri?: string | undefined } = {},
  ) => {
    const { key = null, uri = null } = o
    const args = { dom, type: metadataTypes[type], metadata, key, uri, flags: bits(affectFlags, o) }
    return call(procedures.domainSetMetadata, args, o)
  },
  setMemory: (dom: Domain, memoryKiB: number, o: With<typeof sizeFlags> = {}) =>
    call(procedures.domainSetMemory, { dom, memory: memoryKiB, flags: bits(sizeFlags, o) }, o),
  setVcpus: (dom: Domain, vcpus: number, o: With<typeof sizeFlags> = {}) =>
    call(procedures.domainSetVcpus, { dom, vcpus, flags: bits(sizeFlags, o) }, o),
  setAutostart: (dom: Domain, isOn: boolean, o?: CallOptions) =>
    call(procedures.domainSetAutostart, { dom, value: isOn ? 1 : 0 }, o),
  /** Of a running machine's disk; `sizeBytes` may only grow it safely. */
  blockResize: (dom: Domain, disk: string, sizeBytes: number, o?: CallOptions) =>
    call(procedures.domainBlockResize, { dom, disk, size: sizeBytes, flags: resizeFlags.bytes }, o),
  attach: (dom: Domain, xml: string, o: With<typeof affectFlags> = {}) =>
    call(procedures.domainAttach, { dom, xml, flags: bits(affectFlags, o) }, o),
  detach: (dom: Domain, xml: string, o: With<typeof affectFlags> = {}) =>
    call(procedures.domainDetach, { dom, xml, flags: bits(affectFlags, o) }, o),
})

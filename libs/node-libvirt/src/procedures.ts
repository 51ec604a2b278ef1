import {
  domain,
  domainInfo,
  domainInterface,
  lease,
  maybeString,
  network,
  nodeInfo,
  pool,
  snapshot,
  statsRecord,
  string,
  uuid,
  volume,
} from './types.ts'
import { flag, int, list, nothing, optional, size, struct, uint, type Xdr } from './xdr.ts'

/** Program and version of libvirt's remote protocol, and of its keep-alive. */
export const remoteProgram = { program: 0x2000_8086, version: 1 } as const
export const keepAliveProgram = { program: 0x6b65_6570, version: 1, ping: 1, pong: 2 } as const

/** One call of the remote protocol: its number, what it takes, what it gives. */
export type Procedure<A, R> = { readonly number: number; readonly args: Xdr<A>; readonly returns: Xdr<R> }
const procedure = <A, R>(number: number, args: Xdr<A>, returns: Xdr<R>): Procedure<A, R> => ({ number, args, returns })

const listMax = 16_384
const ask = struct({ needResults: int, flags: uint })
const listed = <T>(inner: Xdr<T>) => struct({ found: list(inner, listMax), count: uint })

const dom = struct({ dom: domain })
const domFlags = struct({ dom: domain, flags: uint })
const domInt = struct({ dom: domain, value: int })
const domXml = struct({ dom: domain, xml: string, flags: uint })
const vol = struct({ vol: volume })
const volFlags = struct({ vol: volume, flags: uint })
const volRange = struct({ vol: volume, offset: size, length: size, flags: uint })
const poolOnly = struct({ pool })
const poolFlags = struct({ pool, flags: uint })
const poolInt = struct({ pool, value: int })
const net = struct({ net: network })
const netInt = struct({ net: network, value: int })
const snap = struct({ snap: snapshot })
const snapFlags = struct({ snap: snapshot, flags: uint })
const named = struct({ name: string })
const byUuid = struct({ uuid })
const xmlOnly = struct({ xml: string })
const xmlFlags = struct({ xml: string, flags: uint })

const gives = { number: struct({ value: int }), flag: struct({ value: flag }), text: struct({ text: string }) }

/**
 * The calls this client makes, by number as in libvirt's remote_protocol.x, its published wire contract: numbers and
 * layouts there never change, new ones are appended.
 */
export const procedures = {
  authList: procedure(66, nothing, struct({ types: list(int, 20) })),
  authPolkit: procedure(70, nothing, struct({ complete: flag })),
  open: procedure(1, struct({ name: maybeString, flags: uint }), nothing),
  close: procedure(2, nothing, nothing),
  supportsFeature: procedure(60, struct({ feature: int }), struct({ supported: flag })),

  type: procedure(3, nothing, gives.text),
  version: procedure(4, nothing, struct({ version: size })),
  libVersion: procedure(157, nothing, struct({ version: size })),
  hostname: procedure(59, nothing, gives.text),
  uri: procedure(110, nothing, gives.text),
  capabilities: procedure(7, nothing, gives.text),
  nodeInfo: procedure(6, nothing, nodeInfo),
  domainCapabilities: procedure(
    342,
    struct({ emulator: maybeString, arch: maybeString, machine: maybeString, virtType: maybeString, flags: uint }),
    gives.text,
  ),

  domainDefine: procedure(350, xmlFlags, dom),
  domainCreate: procedure(196, domFlags, dom),
  domainCreateXml: procedure(10, xmlFlags, dom),
  domainShutdown: procedure(258, domFlags, nothing),
  domainDestroy: procedure(234, domFlags, nothing),
  domainReboot: procedure(27, domFlags, nothing),
  domainReset: procedure(245, domFlags, nothing),
  domainSuspend: procedure(34, dom, nothing),
  domainResume: procedure(28, dom, nothing),
  domainUndefine: procedure(231, domFlags, nothing),
  domainManagedSave: procedure(182, domFlags, nothing),
  domainHasManagedSave: procedure(183, domFlags, gives.flag),
  domainManagedSaveRemove: procedure(184, domFlags, nothing),
  domainRename: procedure(358, struct({ dom: domain, name: maybeString, flags: uint }), gives.number),
  domains: procedure(273, ask, listed(domain)),
  domainByUuid: procedure(24, byUuid, dom),
  domainByName: procedure(23, named, dom),
  domainState: procedure(212, domFlags, struct({ state: int, reason: int })),
  domainInfo: procedure(16, dom, domainInfo),
  domainXml: procedure(14, domFlags, gives.text),
  domainMetadata: procedure(265, struct({ dom: domain, type: int, uri: maybeString, flags: uint }), gives.text),
  domainSetMetadata: procedure(
    264,
    struct({ dom: domain, type: int, metadata: maybeString, key: maybeString, uri: maybeString, flags: uint }),
    nothing,
  ),
  domainSetMemory: procedure(204, struct({ dom: domain, memory: size, flags: uint }), nothing),
  domainSetVcpus: procedure(199, struct({ dom: domain, vcpus: uint, flags: uint }), nothing),
  domainVcpus: procedure(200, domFlags, gives.number),
  domainAutostart: procedure(15, dom, gives.flag),
  domainSetAutostart: procedure(29, domInt, nothing),
  domainIsPersistent: procedure(151, dom, gives.flag),
  domainAddresses: procedure(
    353,
    struct({ dom: domain, source: uint, flags: uint }),
    struct({ interfaces: list(domainInterface, 2048) }),
  ),
  domainStats: procedure(
    344,
    struct({ doms: list(domain, listMax), stats: uint, flags: uint }),
    struct({ records: list(statsRecord, listMax) }),
  ),
  domainBlockInfo: procedure(
    194,
    struct({ dom: domain, path: string, flags: uint }),
    struct({ allocation: size, capacity: size, physical: size }),
  ),
  domainBlockResize: procedure(251, struct({ dom: domain, disk: string, size, flags: uint }), nothing),
  domainAttach: procedure(160, domXml, nothing),
  domainDetach: procedure(161, domXml, nothing),
  domainConsole: procedure(201, struct({ dom: domain, device: maybeString, flags: uint }), nothing),

  volumeCreate: procedure(93, struct({ pool, xml: string, flags: uint }), vol),
  volumeCreateFrom: procedure(125, struct({ pool, xml: string, from: volume, flags: uint }), vol),
  volumeDelete: procedure(94, volFlags, nothing),
  volumeWipe: procedure(165, volFlags, nothing),
  volumeResize: procedure(260, struct({ vol: volume, capacity: size, flags: uint }), nothing),
  volumeInfo: procedure(98, vol, struct({ type: int, capacity: size, allocation: size })),
  volumes: procedure(282, struct({ pool, needResults: int, flags: uint }), listed(volume)),
  volumeUpload: procedure(208, volRange, nothing),
  volumeDownload: procedure(209, volRange, nothing),
  volumeByName: procedure(95, struct({ pool, name: string }), vol),
  volumeByKey: procedure(96, struct({ key: string }), vol),
  volumeByPath: procedure(97, struct({ path: string }), vol),
  volumeXml: procedure(99, volFlags, gives.text),
  volumePath: procedure(100, vol, gives.text),

  poolDefine: procedure(77, xmlFlags, poolOnly),
  poolCreateXml: procedure(76, xmlFlags, poolOnly),
  poolCreate: procedure(78, poolFlags, nothing),
  poolBuild: procedure(79, poolFlags, nothing),
  poolDestroy: procedure(80, poolOnly, nothing),
  poolDelete: procedure(81, poolFlags, nothing),
  poolUndefine: procedure(82, poolOnly, nothing),
  poolRefresh: procedure(83, poolFlags, nothing),
  pools: procedure(281, ask, listed(pool)),
  poolInfo: procedure(87, poolOnly, struct({ state: uint, capacity: size, allocation: size, available: size })),
  poolByName: procedure(84, named, poolOnly),
  poolByUuid: procedure(85, byUuid, poolOnly),
  poolByVolume: procedure(86, vol, poolOnly),
  poolXml: procedure(88, poolFlags, gives.text),
  poolAutostart: procedure(89, poolOnly, gives.flag),
  poolSetAutostart: procedure(90, poolInt, nothing),
  poolIsActive: procedure(154, poolOnly, gives.flag),

  networkDefine: procedure(41, xmlOnly, net),
  networkCreateXml: procedure(40, xmlOnly, net),
  networkCreate: procedure(39, net, nothing),
  networkDestroy: procedure(42, net, nothing),
  networkUndefine: procedure(49, net, nothing),
  networks: procedure(283, ask, listed(network)),
  networkByName: procedure(46, named, net),
  networkByUuid: procedure(47, byUuid, net),
  networkXml: procedure(43, struct({ net: network, flags: uint }), gives.text),
  networkBridge: procedure(45, net, gives.text),
  networkAutostart: procedure(44, net, gives.flag),
  networkSetAutostart: procedure(48, netInt, nothing),
  networkIsActive: procedure(152, net, gives.flag),
  networkLeases: procedure(
    341,
    struct({ net: network, mac: maybeString, needResults: int, flags: uint }),
    struct({ leases: list(lease, 65_536), count: uint }),
  ),

  snapshotCreate: procedure(185, domXml, snap),
  snapshots: procedure(
    274,
    struct({ dom: domain, needResults: int, flags: uint }),
    struct({ found: list(snapshot, listMax), count: int }),
  ),
  snapshotRevert: procedure(192, snapFlags, nothing),
  snapshotDelete: procedure(193, snapFlags, nothing),
  snapshotXml: procedure(186, snapFlags, gives.text),
  snapshotByName: procedure(189, struct({ dom: domain, name: string, flags: uint }), snap),
  snapshotCurrent: procedure(191, domFlags, snap),
  snapshotHasCurrent: procedure(190, domFlags, gives.flag),

  domainEventOn: procedure(316, struct({ event: int, dom: optional(domain) }), struct({ callback: int })),
  domainEventOff: procedure(317, struct({ callback: int }), nothing),
  networkEventOn: procedure(313, struct({ event: int, net: optional(network) }), struct({ callback: int })),
  networkEventOff: procedure(314, struct({ callback: int }), nothing),
  poolEventOn: procedure(368, struct({ event: int, pool: optional(pool) }), struct({ callback: int })),
  poolEventOff: procedure(369, struct({ callback: int }), nothing),
} as const

import {
  double,
  fixed,
  flag,
  hyper,
  int,
  list,
  mapped,
  opaque,
  optional,
  size,
  struct,
  text,
  uhyper,
  uint,
} from './xdr.ts'
import { XdrError, type ValueOf, type Xdr } from './xdr.ts'

/** Longest text of the protocol, bytes. */
const textBytesMax = 4_194_304
export const string = text(textBytesMax)
export const maybeString = optional(string)

const dashed = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i
/** Sixteen bytes, written with dashes and in lower case. */
export const uuid: Xdr<string> = mapped(
  opaque(16),
  bytes => bytes.toString('hex').replace(dashed, '$1-$2-$3-$4-$5'),
  written => {
    const hex = dashed.exec(written)?.slice(1).join('')
    if (hex === undefined) throw new XdrError(`${JSON.stringify(written.slice(0, 64))} is not a UUID`)
    return Buffer.from(hex, 'hex')
  },
)

export const domain = struct({ name: string, uuid, id: int })
/** A machine as libvirt names it. `id` is -1 while it does not run. */
export type Domain = ValueOf<typeof domain>
export const network = struct({ name: string, uuid })
export type Network = ValueOf<typeof network>
export const pool = struct({ name: string, uuid })
export type Pool = ValueOf<typeof pool>
export const volume = struct({ pool: string, name: string, key: string })
/** A disk or other file of a pool. `key` is unique on the host: for a folder pool the path. */
export type Volume = ValueOf<typeof volume>
export const snapshot = struct({ name: string, domain })
export type Snapshot = ValueOf<typeof snapshot>

export const remoteError = struct({
  code: int,
  domain: int,
  message: maybeString,
  level: int,
  dom: optional(domain),
  str1: maybeString,
  str2: maybeString,
  str3: maybeString,
  int1: int,
  int2: int,
  net: optional(network),
})

/** A name and a value; 64-bit ones are bigint. */
export type TypedParam = { readonly field: string; readonly value: number | bigint | boolean | string }
const paramTypes: readonly { readonly tag: number; readonly type: Xdr<number | bigint | boolean | string> }[] = [
  { tag: 1, type: int },
  { tag: 2, type: uint },
  { tag: 3, type: hyper },
  { tag: 4, type: uhyper },
  { tag: 5, type: double },
  { tag: 6, type: flag },
  { tag: 7, type: string },
].map(({ tag, type }) => ({ tag, type: type as Xdr<number | bigint | boolean | string> }))

const tagOf = (value: TypedParam['value']): number => {
  if (typeof value === 'string') return 7
  if (typeof value === 'boolean') return 6
  if (typeof value === 'bigint') return value < 0n ? 3 : 4
  return Number.isInteger(value) ? 1 : 5
}
const typed = (tag: number) => {
  const found = paramTypes.find(one => one.tag === tag)
  if (found === undefined) throw new XdrError(`a parameter of type ${tag}; allowed are 1 to 7`)
  return found.type
}
export const typedParam: Xdr<TypedParam> = {
  write: (out, { field, value }) => {
    string.write(out, field)
    int.write(out, tagOf(value))
    typed(tagOf(value)).write(out, value)
  },
  read: from => {
    const field = string.read(from)
    return { field, value: typed(int.read(from)).read(from) }
  },
}

export const address = struct({ type: int, addr: string, prefix: uint })
export const domainInterface = struct({ name: string, hwaddr: maybeString, addrs: list(address, 2048) })
export const lease = struct({
  iface: string,
  expirytime: hyper,
  type: int,
  mac: maybeString,
  iaid: maybeString,
  ipaddr: string,
  prefix: uint,
  hostname: maybeString,
  clientid: maybeString,
})
export const statsRecord = struct({ dom: domain, params: list(typedParam, 262_144) })

/** A C string in a fixed array, one byte a word. */
export const chars = (length: number): Xdr<string> =>
  mapped(
    fixed(int, length),
    codes => Buffer.from(codes.slice(0, codes.includes(0) ? codes.indexOf(0) : length)).toString('latin1'),
    written => Array.from({ length }, (_, n) => written.charCodeAt(n) || 0),
  )

export const domainInfo = struct({ state: uint, maxMem: size, memory: size, vcpus: uint, cpuTime: uhyper })
export const nodeInfo = struct({
  model: chars(32),
  memory: size,
  cpus: int,
  mhz: int,
  nodes: int,
  sockets: int,
  cores: int,
  threads: int,
})

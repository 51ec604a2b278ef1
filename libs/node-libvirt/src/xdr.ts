/** Bytes that are not what their type says, or a value that its type cannot carry; says which and what is allowed. */
export class XdrError extends Error {
  override readonly name = 'XdrError'
}

/** What is read from: moves `at` and never past the end of `bytes`. */
export type Reader = { readonly bytes: Buffer; at: number }
/** What is written to; parts are joined once, at the end. */
export type Writer = Buffer[]

/** A type of RFC 4506: how a value becomes bytes and comes back. Every unit is a multiple of four bytes. */
export type Xdr<T> = { write(out: Writer, value: T): void; read(from: Reader): T }
export type ValueOf<X> = X extends Xdr<infer T> ? T : never

const take = (from: Reader, length: number): number => {
  const { at } = from
  if (length > from.bytes.length - at)
    throw new XdrError(`${length} bytes wanted at ${at}, there are ${from.bytes.length - at}`)
  from.at = at + length
  return at
}

const integer = (min: number, max: number, read: (bytes: Buffer, at: number) => number): Xdr<number> => ({
  write: (out, value) => {
    if (!Number.isInteger(value) || value < min || value > max)
      throw new XdrError(`${value} is not an integer from ${min} to ${max}`)
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeInt32BE(value | 0)
    out.push(bytes)
  },
  read: from => {
    const value = read(from.bytes, take(from, 4))
    if (value < min || value > max) throw new XdrError(`${value} is not from ${min} to ${max}`)
    return value
  },
})

export const int = integer(-0x8000_0000, 0x7fff_ffff, (bytes, at) => bytes.readInt32BE(at))
export const uint = integer(0, 0xffff_ffff, (bytes, at) => bytes.readUInt32BE(at))

/** A flag that travels as an int: 0 is false, anything else true. */
export const flag: Xdr<boolean> = {
  write: (out, value) => int.write(out, value ? 1 : 0),
  read: from => int.read(from) !== 0,
}

const long = (min: bigint, max: bigint, read: (bytes: Buffer, at: number) => bigint): Xdr<bigint> => ({
  write: (out, value) => {
    if (value < min || value > max) throw new XdrError(`${value} is not an integer from ${min} to ${max}`)
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
    out.push(bytes)
  },
  read: from => read(from.bytes, take(from, 8)),
})

export const hyper = long(-(2n ** 63n), 2n ** 63n - 1n, (bytes, at) => bytes.readBigInt64BE(at))
export const uhyper = long(0n, 2n ** 64n - 1n, (bytes, at) => bytes.readBigUInt64BE(at))

/** An unsigned hyper as a number: sizes and times, which stay far below 2^53. More than that is refused, not rounded. */
export const size: Xdr<number> = {
  write: (out, value) => {
    if (!Number.isSafeInteger(value) || value < 0) throw new XdrError(`${value} is not an integer from 0 to 2^53-1`)
    uhyper.write(out, BigInt(value))
  },
  read: from => {
    const value = uhyper.read(from)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new XdrError(`${value} is more than 2^53-1`)
    return Number(value)
  },
}

export const double: Xdr<number> = {
  write: (out, value) => {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeDoubleBE(value)
    out.push(bytes)
  },
  read: from => from.bytes.readDoubleBE(take(from, 8)),
}

const zeros = Buffer.alloc(3)
const padding = (length: number): number => (4 - (length % 4)) % 4

/** Exactly so many bytes. */
export const opaque = (length: number): Xdr<Buffer> => ({
  write: (out, value) => {
    if (value.length !== length) throw new XdrError(`${value.length} bytes where ${length} are wanted`)
    out.push(value, zeros.subarray(0, padding(length)))
  },
  read: from => {
    const at = take(from, length + padding(length))
    return Buffer.from(from.bytes.subarray(at, at + length))
  },
})

const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 text of at most `bytesMax` bytes, without NUL (the other side is written in C). */
export const text = (bytesMax: number): Xdr<string> => ({
  write: (out, value) => {
    if (value.includes('\0')) throw new XdrError('a text holds NUL')
    const bytes = Buffer.from(value)
    if (bytes.length > bytesMax) throw new XdrError(`a text of ${bytes.length} bytes; allowed are ${bytesMax}`)
    uint.write(out, bytes.length)
    out.push(bytes, zeros.subarray(0, padding(bytes.length)))
  },
  read: from => {
    const length = uint.read(from)
    if (length > bytesMax) throw new XdrError(`a text of ${length} bytes; allowed are ${bytesMax}`)
    const at = take(from, length + padding(length))
    try {
      return fatal.decode(from.bytes.subarray(at, at + length))
    } catch {
      throw new XdrError('a text is not UTF-8')
    }
  },
})

/** Absent, or present and then as its type. */
export const optional = <T>(inner: Xdr<T>): Xdr<T | null> => ({
  write: (out, value) => {
    uint.write(out, value === null ? 0 : 1)
    if (value !== null) inner.write(out, value)
  },
  read: from => {
    const present = uint.read(from)
    if (present > 1) throw new XdrError(`${present} where 0 or 1 tells whether a value follows`)
    return present === 1 ? inner.read(from) : null
  },
})

/** Exactly so many, one after the other. */
export const fixed = <T>(inner: Xdr<T>, length: number): Xdr<T[]> => ({
  write: (out, values) => {
    if (values.length !== length) throw new XdrError(`${values.length} values where ${length} are wanted`)
    for (const value of values) inner.write(out, value)
  },
  read: from => Array.from({ length }, () => inner.read(from)),
})

/** Any number up to `max`. */
export const list = <T>(inner: Xdr<T>, max: number): Xdr<T[]> => ({
  write: (out, values) => {
    if (values.length > max) throw new XdrError(`${values.length} values; allowed are ${max}`)
    uint.write(out, values.length)
    for (const value of values) inner.write(out, value)
  },
  read: from => {
    const length = uint.read(from)
    if (length > max) throw new XdrError(`${length} values; allowed are ${max}`)
    // Grown as they come, so that a length without values behind it costs nothing.
    const values: T[] = []
    for (let n = 0; n < length; n += 1) values.push(inner.read(from))
    return values
  },
})

type Fields = Readonly<Record<string, Xdr<never> | Xdr<unknown>>>
type StructOf<F> = { [K in keyof F]: ValueOf<F[K]> }

/** Its fields in the order they are written here. */
export const struct = <F extends Fields>(fields: F): Xdr<StructOf<F>> => {
  const entries = Object.entries(fields) as [string, Xdr<unknown>][]
  return {
    write: (out, value) => {
      for (const [name, inner] of entries) inner.write(out, value[name as keyof F])
    },
    read: from => Object.fromEntries(entries.map(([name, inner]) => [name, inner.read(from)])) as StructOf<F>,
  }
}

/** Another view of the same bytes. */
export const mapped = <T, U>(inner: Xdr<T>, to: (value: T) => U, back: (value: U) => T): Xdr<U> => ({
  write: (out, value) => inner.write(out, back(value)),
  read: from => to(inner.read(from)),
})

export const nothing: Xdr<void> = { write: () => undefined, read: () => undefined }

/** Throws XdrError for a value its type cannot carry. */
export const encode = <T>(type: Xdr<T>, value: T): Buffer => {
  const out: Writer = []
  type.write(out, value)
  return Buffer.concat(out)
}

/** Throws XdrError for bytes that are not of this type, and for bytes left over. */
export const decode = <T>(type: Xdr<T>, bytes: Buffer): T => {
  const from: Reader = { bytes, at: 0 }
  const value = type.read(from)
  if (from.at !== bytes.length) throw new XdrError(`${bytes.length - from.at} bytes are left over`)
  return value
}

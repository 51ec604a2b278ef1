/** A file of an ISO: a lower-case name such as `user-data`, and what is in it. */
export type IsoFile = { readonly name: string; readonly bytes: Buffer }

const sectorBytes = 2_048
/** Sectors 0 to 15 belong to whoever boots from it; here nobody does. */
const at = {
  primary: 16,
  joliet: 17,
  end: 18,
  pathsL: 19,
  pathsM: 20,
  jolietL: 21,
  jolietM: 22,
  root: 23,
  jolietRoot: 24,
  files: 25,
}

const both16 = (n: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt16LE(n, 0)
  bytes.writeUInt16BE(n, 2)
  return bytes
}
const both32 = (n: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(n, 0)
  bytes.writeUInt32BE(n, 4)
  return bytes
}
const ucs2 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()
const padded = (bytes: Buffer, length: number, fill: Buffer | number): Buffer =>
  Buffer.concat([bytes, Buffer.alloc(Math.max(0, length - bytes.length), fill)]).subarray(0, length)
const sectors = (bytes: number): number => Math.ceil(bytes / sectorBytes)

/** One entry of the one folder there is. Dates are left out: the same content is the same image. */
const record = (name: Buffer, sector: number, size: number, isFolder: boolean): Buffer => {
  const rest = Buffer.concat([
    both32(sector),
    both32(size),
    Buffer.alloc(7),
    Buffer.from([isFolder ? 2 : 0, 0, 0]),
    both16(1),
    Buffer.from([name.length]),
    name,
    Buffer.alloc(name.length % 2 === 0 ? 1 : 0),
  ])
  return Buffer.concat([Buffer.from([rest.length + 2, 0]), rest])
}

type Placed = { readonly name: Buffer; readonly sector: number; readonly size: number }
const folder = (own: number, files: readonly Placed[]): Buffer => {
  const self = [0, 1].map(n => record(Buffer.from([n]), own, sectorBytes, true))
  const sorted = files.toSorted((a, b) => Buffer.compare(a.name, b.name))
  return Buffer.concat([...self, ...sorted.map(one => record(one.name, one.sector, one.size, false))])
}

const pathTable = (root: number, isBig: boolean): Buffer => {
  const bytes = Buffer.alloc(10)
  bytes[0] = 1
  if (isBig) bytes.writeUInt32BE(root, 2)
  else bytes.writeUInt32LE(root, 2)
  if (isBig) bytes.writeUInt16BE(1, 6)
  else bytes.writeUInt16LE(1, 6)
  return bytes
}

const descriptor = (label: string, total: number, joliet: boolean): Buffer => {
  const blank = joliet ? ucs2(' ') : Buffer.from(' ')
  const text = (value: string, length: number) => padded(joliet ? ucs2(value) : Buffer.from(value), length, blank)
  const root = joliet ? at.jolietRoot : at.root
  const [little, big] = joliet ? [at.jolietL, at.jolietM] : [at.pathsL, at.pathsM]
  const [pathL, pathM] = [Buffer.alloc(8), Buffer.alloc(8)]
  pathL.writeUInt32LE(little)
  pathM.writeUInt32BE(big)
  const noDate = Buffer.concat([Buffer.alloc(16, '0'), Buffer.alloc(1)])
  const bytes = Buffer.concat([
    Buffer.from([joliet ? 2 : 1]),
    Buffer.from('CD001\u0001\0', 'latin1'),
    text('', 32),
    text(label, 32),
    Buffer.alloc(8),
    both32(total),
    // The escape sequence says: names are UCS-2, level 3.
    padded(joliet ? Buffer.from('%/E') : Buffer.alloc(0), 32, 0),
    both16(1),
    both16(1),
    both16(sectorBytes),
    both32(10),
    pathL,
    pathM,
    record(Buffer.from([0]), root, sectorBytes, true),
    text('', 128 * 4 + 37 * 3),
    ...Array.from({ length: 4 }, () => noDate),
    Buffer.from([1, 0]),
  ])
  return padded(bytes, sectorBytes, 0)
}

/** Names of the strict kind, for readers that know no other: `USER_DATA.;1`. */
const strictName = (name: string) => Buffer.from(`${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}.;1`)

/**
 * An ISO 9660 image with Joliet names and a label: what cloud-init's NoCloud looks for, made without a program on any
 * host. A few files in one folder; the same ones give the same bytes.
 */
export const makeIso = (label: string, files: readonly IsoFile[]): Buffer => {
  let next = at.files
  const placed = files.map(({ name, bytes }) => {
    const sector = next
    next += sectors(bytes.length)
    return { name, bytes, sector, size: bytes.length }
  })
  const image = Buffer.alloc(next * sectorBytes)
  const put = (bytes: Buffer, sector: number) => bytes.copy(image, sector * sectorBytes)
  put(descriptor(label, next, false), at.primary)
  put(descriptor(label, next, true), at.joliet)
  put(Buffer.from('\u00ffCD001\u0001', 'latin1'), at.end)
  put(pathTable(at.root, false), at.pathsL)
  put(pathTable(at.root, true), at.pathsM)
  put(pathTable(at.jolietRoot, false), at.jolietL)
  put(pathTable(at.jolietRoot, true), at.jolietM)
  put(
    folder(
      at.root,
      placed.map(one => ({ ...one, name: strictName(one.name) })),
    ),
    at.root,
  )
  put(
    folder(
      at.jolietRoot,
      placed.map(one => ({ ...one, name: ucs2(one.name) })),
    ),
    at.jolietRoot,
  )
  for (const { bytes, sector } of placed) put(bytes, sector)
  return image
}

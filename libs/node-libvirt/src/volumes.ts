import type { Duplex, Readable, Writable } from 'node:stream'
import type { Connection } from './connection.ts'
import { bits, wordOf, type Flags } from './flags.ts'
import type { CallOptions } from './link.ts'
import { procedures } from './procedures.ts'
import { openStream } from './streams.ts'
import type { Pool, Volume } from './types.ts'

const createFlags = { preallocMetadata: 1, reflink: 2, validate: 4 } as const
const deleteFlags = { zeroed: 1, withSnapshots: 2 } as const
const resizeFlags = { allocate: 1, delta: 2, shrink: 4 } as const
const typeWords = ['file', 'block', 'dir', 'network', 'netdir', 'ploop'] as const

type With<F extends Readonly<Record<string, number>>> = Flags<F> & CallOptions
/** Bytes; a length of 0 is to the end. */
export type Range = { readonly offset?: number | undefined; readonly length?: number | undefined }

/** Disks and other files of pools. `pool` and `name` decide which. */
export const makeVolumes = (connection: Connection) => ({ ...makeVolumeCalls(connection), ...makeCopies(connection) })
export type Volumes = ReturnType<typeof makeVolumes>

const makeVolumeCalls = ({ call }: Connection) => ({
  list: async (pool: Pool, o?: CallOptions) =>
    (await call(procedures.volumes, { pool, needResults: 1, flags: 0 }, o)).found,
  /** Fails with `no-volume` when there is none. */
  byName: async (pool: Pool, name: string, o?: CallOptions) =>
    (await call(procedures.volumeByName, { pool, name }, o)).vol,
  byKey: async (key: string, o?: CallOptions) => (await call(procedures.volumeByKey, { key }, o)).vol,
  byPath: async (path: string, o?: CallOptions) => (await call(procedures.volumeByPath, { path }, o)).vol,
  /** Fails with `volume-exists` when the name is taken. */
  create: async (pool: Pool, xml: string, o: With<typeof createFlags> = {}) =>
    (await call(procedures.volumeCreate, { pool, xml, flags: bits(createFlags, o) }, o)).vol,
  /** A copy of what `from` holds. */
  clone: async (pool: Pool, xml: string, from: Volume, o: With<typeof createFlags> = {}) =>
    (await call(procedures.volumeCreateFrom, { pool, xml, from, flags: bits(createFlags, o) }, o)).vol,
  delete: (vol: Volume, o: With<typeof deleteFlags> = {}) =>
    call(procedures.volumeDelete, { vol, flags: bits(deleteFlags, o) }, o),
  /** Overwrites it with zeros. */
  wipe: (vol: Volume, o?: CallOptions) => call(procedures.volumeWipe, { vol, flags: 0 }, o),
  resize: (vol: Volume, capacityBytes: number, o: With<typeof resizeFlags> = {}) =>
    call(procedures.volumeResize, { vol, capacity: capacityBytes, flags: bits(resizeFlags, o) }, o),
  info: async (vol: Volume, o?: CallOptions) => {
    const { type, capacity, allocation } = await call(procedures.volumeInfo, { vol }, o)
    return { type: wordOf(typeWords, type), capacityBytes: capacity, allocationBytes: allocation }
  },
  xml: async (vol: Volume, o?: CallOptions) => (await call(procedures.volumeXml, { vol, flags: 0 }, o)).text,
  path: async (vol: Volume, o?: CallOptions) => (await call(procedures.volumePath, { vol }, o)).text,
})

const makeCopies = (connection: Connection) => {
  const open =
    (procedure: typeof procedures.volumeUpload, direction: 'read' | 'write') =>
    (vol: Volume, { offset = 0, length = 0, ...o }: Range & CallOptions = {}): Promise<Duplex> =>
      openStream(connection, procedure, { vol, offset, length, flags: 0 }, direction, o)
  const upload = open(procedures.volumeUpload, 'write')
  const download = open(procedures.volumeDownload, 'read')
  return {
    /** A stream of its own connection; all is written once it has finished. */
    upload: (vol: Volume, o?: Range & CallOptions): Promise<Writable> => upload(vol, o),
    /** A stream of its own connection. */
    download: (vol: Volume, o?: Range & CallOptions): Promise<Readable> => download(vol, o),
  }
}

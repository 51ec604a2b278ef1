import { bits, type Flags } from './flags.ts'
import type { Call, CallOptions } from './link.ts'
import { procedures } from './procedures.ts'
import type { Domain, Snapshot } from './types.ts'

const createFlags = {
  redefine: 1,
  current: 2,
  noMetadata: 4,
  halt: 8,
  diskOnly: 16,
  reuseExternal: 32,
  quiesce: 64,
  atomic: 128,
  live: 256,
  validate: 512,
} as const
const listFlags = { roots: 1, metadata: 2, leaves: 4, noLeaves: 8, noMetadata: 16, inactive: 32, active: 64 } as const
const revertFlags = { running: 1, paused: 2, force: 4, resetNvram: 8 } as const
const deleteFlags = { children: 1, metadataOnly: 2, childrenOnly: 4 } as const

type With<F extends Readonly<Record<string, number>>> = Flags<F> & CallOptions

/** States of a machine that can be gone back to. */
export const makeSnapshots = (call: Call) => ({
  create: async (dom: Domain, xml: string, o: With<typeof createFlags> = {}) =>
    (await call(procedures.snapshotCreate, { dom, xml, flags: bits(createFlags, o) }, o)).snap,
  list: async (dom: Domain, o: With<typeof listFlags> = {}) =>
    (await call(procedures.snapshots, { dom, needResults: 1, flags: bits(listFlags, o) }, o)).found,
  /** Fails with `no-snapshot` when there is none. */
  byName: async (dom: Domain, name: string, o?: CallOptions) =>
    (await call(procedures.snapshotByName, { dom, name, flags: 0 }, o)).snap,
  /** The one it came from last, or null. */
  current: async (dom: Domain, o?: CallOptions): Promise<Snapshot | null> => {
    const { value: has } = await call(procedures.snapshotHasCurrent, { dom, flags: 0 }, o)
    return has ? (await call(procedures.snapshotCurrent, { dom, flags: 0 }, o)).snap : null
  },
  revert: (snap: Snapshot, o: With<typeof revertFlags> = {}) =>
    call(procedures.snapshotRevert, { snap, flags: bits(revertFlags, o) }, o),
  delete: (snap: Snapshot, o: With<typeof deleteFlags> = {}) =>
    call(procedures.snapshotDelete, { snap, flags: bits(deleteFlags, o) }, o),
  xml: async (snap: Snapshot, o?: CallOptions) => (await call(procedures.snapshotXml, { snap, flags: 0 }, o)).text,
})
export type Snapshots = ReturnType<typeof makeSnapshots>

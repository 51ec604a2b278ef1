import { newId } from '@re-ops/protocols'
import type { BesideVolume, BesideVolumes } from '../store/beside-volumes.ts'

/** Volumes of systems in memory, with the rules of the real rows but for the fence. */
export const memoryVolumes = (): BesideVolumes => {
  const rows = new Map<string, BesideVolume & { readonly system: string | null }>()
  const change = (id: string, by: Partial<BesideVolume>): boolean => {
    const row = rows.get(id)
    if (row !== undefined) rows.set(id, { ...row, ...by })
    return row !== undefined
  }
  return {
    of: async ({ id }) => [...rows.values()].filter(one => one.system === id),
    claim: async ({ id: system }, name) => {
      const known = [...rows.values()].find(one => one.name === name)
      if (known !== undefined) return known.system === system ? known : null
      const row = { id: newId(), name, ref: null, sentAt: null, zone: null, system }
      rows.set(row.id, row)
      return row
    },
    send: async (_row, id, sentAt) => change(id, { sentAt }),
    made: async (id, volume) => change(id, volume),
    forget: async id => void rows.delete(id),
    free: async ({ id }) => {
      for (const row of rows.values()) if (row.system === id) rows.set(row.id, { ...row, system: null })
    },
  }
}

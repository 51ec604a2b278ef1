import { newId, type DestroyPlan, type OpIdentity } from '@re-ops/protocols'

/** A doing of an action that nobody needs to find again: sending it twice comes to the same. */
export const newOp = (sinceMs = Date.now()): OpIdentity => ({ id: newId(), since: new Date(sinceMs) })

/** The machine with everything that exists because of it. */
export const destroyAll: DestroyPlan = { keep: [] }

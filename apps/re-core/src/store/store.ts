import type { Pool, PoolClient } from 'pg'
import type { Store } from '../jobs/attempt.ts'
import type { Queue } from '../jobs/queue.ts'
import { makeBesideVolumes } from './beside-volumes.ts'
import { jobWaits, settleJob } from './jobs.ts'
import { noteScarce, scarceOfferings } from './scarce.ts'
import { closeOp, endOp, opById, writeOp } from './ops.ts'
import { forgetSighting, noteSighting, sightingsOf } from './sightings.ts'
import { keptVolumes } from './volumes.ts'
import { userDataOf } from './user-data.ts'
import { snapshotById, writeSnapshot } from './snapshots.ts'
import { claimSystem, saveRef, writeSystem } from './systems.ts'

export type StoreDeps = {
  readonly pool: Pool
  readonly transaction: <T>(fn: (tx: PoolClient) => Promise<T>) => Promise<T>
  readonly queue: Pick<Queue, 'later' | 'settle'>
  /** False in the proof kit only: stale attempts may write. */
  readonly fenced: boolean
}

/** An attempt's view of Postgres. */
export const makeStore = ({ pool, transaction, queue, fenced }: StoreDeps): Store => ({
  claim: id => claimSystem(pool, id),
  sightings: id => sightingsOf(pool, id),
  write: (row, changes, at) => writeSystem(pool, row, changes, { at, fenced }),
  saveRef: async (row, ref) => {
    const saved = await saveRef(pool, row, ref)
    if (saved !== null) return saved
    const { provider, account, region, id: system, generation, candidate } = row
    await noteSighting(pool, { provider, account, region, ref, system, generation, candidate }, { certain: true })
    return null
  },
  keptVolumes: row => keptVolumes(pool, row),
  volumes: makeBesideVolumes(pool),
  userData: row => userDataOf(pool, row.id),
  forgetSighting: (row, ref) => forgetSighting(pool, row, ref),
  op: async row => (row.op === null ? null : opById(pool, row.op)),
  writeOp: (row, op, changes) => writeOp(pool, row, op, changes),
  endOp: (row, op, end, changes, at) =>
    transaction(async tx => {
      const written = await writeSystem(tx, row, { ...changes, op: null }, { at, fenced })
      if (written !== null) await endOp(tx, op.id, end, at)
      return written
    }),
  snapshot: id => snapshotById(pool, id),
  writeSnapshot: (id, changes) => writeSnapshot(pool, id, changes),
  scarce: (row, now) => scarceOfferings(pool, row, now),
  noteScarce: (row, offering, until) => noteScarce(pool, row, offering, until),
  finish: (row, changes, ending, message, at) =>
    transaction(async tx => {
      const written = await writeSystem(tx, row, changes, { at, fenced })
      if (message !== null) await queue.settle(tx, message)
      if (written === null) return // a newer attempt has taken over, and looks after what comes next
      if (ending.settled && row.op !== null) await closeOp(tx, row.op, ending.reason, at)
      // The row has done with its verdict; the job ends with it.
      if (ending.settled) await settleJob(tx, { ...written, verdict: row.verdict }, at)
      else if (ending.reason !== null) await jobWaits(tx, row.id, ending.reason)
      if (ending.nextAt !== null) await queue.later(tx, row.id, Math.max(0, ending.nextAt - at))
    }),
  drop: async message => {
    if (message !== null) await queue.settle(pool, message)
  },
})

import type { Pool, PoolClient } from 'pg'
import type { Store } from '../jobs/attempt.ts'
import type { Queue } from '../jobs/queue.ts'
import { isFrozen } from './alarms.ts'
import { makeBesideVolumes } from './beside-volumes.ts'
import { insertJob, jobInFlight, jobWaits, settleJob } from './jobs.ts'
import { addNotice } from './notices.ts'
import { mayTryAccount, parkAccount, parkedAccount, unparkAccount } from './parked.ts'
import { noteScarce, scarceOfferings } from './scarce.ts'
import { closeOp, endOp, opById, writeOp } from './ops.ts'
import { forgetSighting, noteSighting, sightingDestroyed, sightingsOf } from './sightings.ts'
import { keptVolumes } from './volumes.ts'
import { userDataOf } from './user-data.ts'
import { snapshotById, writeSnapshot } from './snapshots.ts'
import { claimSystem, saveRef, writeSystem } from './systems.ts'

export type StoreDeps = {
  readonly pool: Pool
  readonly transaction: <T>(fn: (tx: PoolClient) => Promise<T>) => Promise<T>
  readonly queue: Pick<Queue, 'later' | 'settle' | 'wake'>
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
    // Woken with it: whoever settled meanwhile would not look again, and it would wait for the reaper.
    await transaction(async tx => {
      await noteSighting(tx, { provider, account, region, ref, system, generation, candidate }, { certain: true })
      await queue.wake(tx, system)
    })
    return null
  },
  keptVolumes: row => keptVolumes(pool, row),
  volumes: makeBesideVolumes(pool),
  userData: row => userDataOf(pool, row.id),
  forgetSighting: (row, ref) => forgetSighting(pool, row, ref),
  sightingDestroyed: (row, ref) => sightingDestroyed(pool, row, ref),
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
  isFrozen: row => isFrozen(pool, row),
  goOn: (row, changes, { verb, text }, at) =>
    transaction(async tx => {
      const written = await writeSystem(tx, row, changes, { at, fenced })
      if (written === null) return null
      if ((await jobInFlight(tx, row.id)) === null) await insertJob(tx, written, verb, at)
      const kind = verb === 'forget' ? 'lost' : 'recreated'
      await addNotice(tx, { kind, place: row, system: row.id, ref: row.ref, text })
      return written
    }),
  parked: row => parkedAccount(pool, row.account),
  park: (row, what, why, forMs) =>
    transaction(async tx => {
      if (!(await parkAccount(tx, row.account, what, { why, forMs }))) return
      const text = `the account is refused, its machines wait: ${why}`
      await addNotice(tx, { kind: 'account-parked', place: row, text })
    }),
  mayTry: (row, forMs) => mayTryAccount(pool, row.account, forMs),
  unpark: (row, what) =>
    transaction(async tx => {
      if (!(await unparkAccount(tx, row.account, ['all', what]))) return
      await addNotice(tx, { kind: 'account-resumed', place: row, text: 'the account works again' })
    }),
  scarce: (row, now) => scarceOfferings(pool, row, now),
  noteScarce: (row, offering, until) => noteScarce(pool, row, offering, until),
  finish: (row, changes, ending, message, at) =>
    transaction(async tx => {
      const written = await writeSystem(tx, row, changes, { at, fenced })
      if (message !== null) await queue.settle(tx, message)
      if (written === null) return // a newer attempt has taken over, and looks after what comes next
      if (written.phase === 'lost' && row.phase !== 'lost')
        await addNotice(tx, {
          kind: 'lost',
          place: row,
          system: row.id,
          ref: row.ref,
          text: `${row.name}: ${written.reason}`,
        })
      if (ending.settled && row.op !== null) await closeOp(tx, row.op, ending.reason, at)
      // The row has done with its verdict; the job ends with it. What was to be done once and was not is not done.
      const undone = row.op === null ? null : ({ state: 'failed', why: ending.reason ?? written.phase } as const)
      if (ending.settled) await settleJob(tx, { ...written, verdict: row.verdict ?? undone }, at)
      else if (ending.reason !== null) await jobWaits(tx, row.id, ending.reason)
      if (ending.nextAt !== null) await queue.later(tx, row.id, Math.max(0, ending.nextAt - at))
    }),
  drop: async message => {
    if (message !== null) await queue.settle(pool, message)
  },
})

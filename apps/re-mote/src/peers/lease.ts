import { newId } from '@re-ops/protocols'
import { withRetry, type Log, type Pool } from '@re-ops/service'
import { giveUpLease, leaseMs, renewLease, takeLease, type Renewed } from '../store/replicas.ts'

export type LeaseDeps = {
  readonly log: Log
  readonly pool: Pool
  /** Of the state folder. */
  readonly replica: string
  onRenewed(renewed: Renewed): void
  /** Another process runs on this state folder: this one must end. */
  onReplaced(): void
}
export type Lease = {
  /** False: it could not be renewed in time, others may have taken over, and nothing may be sent. */
  isGood(): boolean
  /** Tells which broker there is and where agents find it; answers who is there. */
  announce(own: { broker: string; endpoint: string | null }): Promise<Renewed>
  close(): Promise<void>
}

const renewEveryMs = 2_500
/** We stop before others may begin, for their clock and the way to it. */
const marginMs = 1_500
const announceWithinMs = 60_000

/** Holds the lease of this service: taken now, renewed again and again. Its time is counted from before each question to Postgres. */
export const holdLease = async (deps: LeaseDeps): Promise<Lease> => {
  const { log, pool, replica } = deps
  const life = newId()
  let own: { broker: string | null; endpoint: string | null } = { broker: null, endpoint: null }
  let goodUntil = performance.now() + leaseMs - marginMs
  let isReplaced = false
  await takeLease(pool, { id: replica, life })

  const renew = async (): Promise<Renewed | null> => {
    const from = performance.now()
    const renewed = await renewLease(pool, { id: replica, life, ...own })
    if (!renewed) {
      if (!isReplaced) deps.onReplaced()
      isReplaced = true
      return null
    }
    goodUntil = from + leaseMs - marginMs
    deps.onRenewed(renewed)
    return renewed
  }
  let renewing: Promise<unknown> = Promise.resolve()
  let isBusy = false
  const timer = setInterval(() => {
    if (isBusy || isReplaced) return
    isBusy = true
    renewing = renew()
      .catch((error: unknown) =>
        log.warn({ err: error }, 'the lease cannot be renewed now; nothing is sent when it is over'),
      )
      .finally(() => (isBusy = false))
  }, renewEveryMs)
  return {
    isGood: () => !isReplaced && performance.now() < goodUntil,
    announce: async now => {
      own = now
      const renewed = await withRetry(renew, { forMs: announceWithinMs })
      if (!renewed) throw new Error('another process runs on this state folder')
      return renewed
    },
    close: async () => {
      clearInterval(timer)
      await renewing
      if (!isReplaced)
        await giveUpLease(pool, { id: replica, life }).catch((error: unknown) =>
          log.debug({ err: error }, 'the lease could not be given up; it ends by itself'),
        )
    },
  }
}

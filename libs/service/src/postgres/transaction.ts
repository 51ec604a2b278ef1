import type { Pool, Tx } from './pool.ts'
import { isConnectionLost } from './lost.ts'

/** Runs `work` in one transaction: commits what it returns, rolls back when it throws. */
export const transaction = async <T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> => {
  const tx = await pool.connect()
  let broken: Error | undefined
  try {
    await tx.query('begin')
    const result = await work(tx)
    await tx.query('commit')
    return result
  } catch (error) {
    if (isConnectionLost(error)) broken = error as Error
    else {
      // A connection that cannot roll back is not given back to the pool.
      await tx.query('rollback').catch((failure: Error) => {
        broken = failure
      })
    }
    throw error
  } finally {
    tx.release(broken)
  }
}

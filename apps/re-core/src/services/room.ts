import { HttpProblem } from '@re-ops/service'
import { roomIn } from '../store/accounts.ts'
import { quotaRoom } from '../store/quotas.ts'
import type { Sql } from '../store/sql.ts'

/** Refuses before anything is made what goes above the account's own limit. Those who ask at once wait for each other. */
export const refuseAboveLimit = async (sql: Sql, account: string, more: number): Promise<void> => {
  const room = await roomIn(sql, account)
  if (room === null || room.used + more <= room.maxSystems) return
  throw new HttpProblem(
    422,
    'above-limit',
    'The account is full',
    `${more} more in account ${account}, which has ${room.used}; allowed: ${room.maxSystems} systems (its maxSystems)`,
  )
}

/** The same for who asks, by the subject of their token. */
export const refuseAboveQuota = async (sql: Sql, subject: string, more: number): Promise<void> => {
  const room = await quotaRoom(sql, subject)
  if (room === null || room.used + more <= room.maxSystems) return
  throw new HttpProblem(
    422,
    'above-quota',
    'The quota is used up',
    `${more} more for ${subject}, who has ${room.used}; allowed: ${room.maxSystems} systems (reops quotas)`,
  )
}

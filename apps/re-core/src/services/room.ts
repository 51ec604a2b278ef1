import { HttpProblem } from '@re-ops/service'
import { lockRoom, systemsOf, type Room, type Wanted } from '../store/room.ts'
import type { Sql } from '../store/sql.ts'
import { namesInUse } from '../store/systems.ts'

const refuseNames = (taken: readonly string[]): void => {
  if (taken.length === 0) return
  throw new HttpProblem(
    409,
    'name-taken',
    'A system has that name',
    `name ${taken.join(', ')} is taken by a system that is not gone; choose another`,
  )
}

/** Throws HttpProblem 409 that says which of the names systems have. */
export const refuseTaken = async (sql: Sql, names: readonly string[]): Promise<void> =>
  refuseNames(await namesInUse(sql, names))

const refuseAboveLimit = (account: string, used: number, more: number, max: number): void => {
  if (used + more <= max) return
  throw new HttpProblem(
    422,
    'above-limit',
    'The account is full',
    `${more} more in account ${account}, which has ${used}; allowed: ${max} systems (its maxSystems)`,
  )
}

/** The same for who asks, by the subject of their token. */
const refuseAboveQuota = (subject: string, used: number, more: number, max: number): void => {
  if (used + more <= max) return
  throw new HttpProblem(
    422,
    'above-quota',
    'The quota is used up',
    `${more} more for ${subject}, who has ${used}; allowed: ${max} systems (reops quotas)`,
  )
}

/**
 * Refuses before anything is made names that are taken, and what goes above the account's or the subject's own limit.
 * Those who ask at once wait for each other until the caller's transaction ends.
 */
export const admit = async (sql: Sql, wanted: Wanted): Promise<Room> => {
  const { names, account, subject } = wanted
  const room = await lockRoom(sql, wanted)
  refuseNames(room.taken)
  const { limits } = room
  if (limits.account === null && limits.subject === null) return room
  const used = await systemsOf(sql, wanted)
  if (limits.account !== null) refuseAboveLimit(account, used.account, names.length, limits.account)
  if (limits.subject !== null) refuseAboveQuota(subject, used.subject, names.length, limits.subject)
  return room
}

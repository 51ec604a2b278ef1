import { join } from 'node:path'
import { Id, newId } from '@re-ops/protocols'
import { ensureFile, StartError, type Log, type Pool } from '@re-ops/service'
import { Check } from 'typebox/value'
import type { Driver } from '../driver/driver.ts'
import { runsOfOthers, sessionsOf } from '../store/replicas.ts'
import type { Link } from '../zmq/link.ts'

/** Who this service is among others on one Postgres: its state folder's, so that it goes on with its runs at once after a restart. */
export const ensureReplica = async (state: string): Promise<string> => {
  const path = join(state, 're-mote.id')
  const id = (await ensureFile(path, () => `${newId()}\n`)).trim()
  if (!Check(Id, id)) throw new StartError(`${path} does not hold an id; remove it, and a new one is made`)
  return id
}

export type HandOverDeps = {
  readonly log: Log
  readonly pool: Pool
  readonly replica: string
  readonly driver: Pick<Driver, 'runIds' | 'forget'>
  readonly link: Pick<Link, 'broker' | 'epochOf' | 'endSession'>
}
/** After a lease that had expired: lets go of the runs that others drive now, and of sessions that they have ended. */
export const handOver = async ({ log, pool, replica, driver, link }: HandOverDeps): Promise<void> => {
  const taken = await runsOfOthers(pool, replica, driver.runIds())
  driver.forget(taken)
  const ended = (await sessionsOf(pool, link.broker, { ended: true })).filter(
    ({ host, epoch }) => link.epochOf(host) === epoch,
  )
  for (const { host } of ended) link.endSession(host, 'the lease of this broker had expired', true)
  log.warn({ runs: taken.length, sessions: ended.length }, 'the lease had expired; what others took over is theirs')
}

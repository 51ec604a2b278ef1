import type { Bucket } from './bucket.ts'

/** One authenticated connection: messages count only when routing id and token belong together. */
export type Session = {
  readonly routing: string
  readonly agent: string
  readonly epoch: number
  readonly token: string
  readonly bucket: Bucket
  heardAt: number
  beatAt: number
}

/** A connection between handshake and session. Of fixed size, and dropped after `helloTimeoutMs`. */
export type PendingHello = {
  readonly routing: string
  readonly agent: string
  readonly boot: string
  readonly agentNonce: string
  readonly brokerNonce: string
  readonly at: number
  /** The same on the wall clock, epoch ms. */
  readonly challengedAt: number
  /** The proof was right and the service is asked for an epoch. */
  proven: boolean
}

export type Sessions = {
  readonly byRouting: Map<string, Session>
  readonly byAgent: Map<string, Session>
  readonly pending: Map<string, PendingHello>
  add(session: Session): Session | undefined
  /** Removes it, if it is still the one that counts. */
  remove(session: Session): boolean
}

export const makeSessions = (): Sessions => {
  const byRouting = new Map<string, Session>()
  const byAgent = new Map<string, Session>()
  return {
    byRouting,
    byAgent,
    pending: new Map(),
    add: session => {
      const older = byAgent.get(session.agent)
      if (older) byRouting.delete(older.routing)
      byAgent.set(session.agent, session)
      byRouting.set(session.routing, session)
      return older
    },
    remove: session => {
      if (byRouting.get(session.routing) === session) byRouting.delete(session.routing)
      return byAgent.get(session.agent) === session && byAgent.delete(session.agent)
    },
  }
}

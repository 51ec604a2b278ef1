/** Which agents have a session with the broker of another service, and which of them are on their way back from one that is gone. */
export type Directory = {
  epochOf(agent: string): number | undefined
  /** The service whose broker has the session, if it is of that epoch. */
  peerOf(agent: string, epoch: number): string | undefined
  isReturning(agent: string): boolean
  /** False when a newer session is known. */
  begin(peer: string, agent: string, epoch: number): boolean
  end(agent: string, epoch: number): boolean
  /** The agent has a session here. */
  forget(agent: string): void
  /** The sessions of that service are over; answers whose. */
  drop(peer: string): string[]
  readonly size: number
}

/** As long as an agent may pause between two attempts to dial, and its hello. */
const returnMs = 12_000

export const makeDirectory = (now: () => number = () => performance.now()): Directory => {
  const sessions = new Map<string, { readonly peer: string; readonly epoch: number }>()
  const returning = new Map<string, number>()
  return {
    epochOf: agent => sessions.get(agent)?.epoch,
    peerOf: (agent, epoch) => {
      const session = sessions.get(agent)
      return session?.epoch === epoch ? session.peer : undefined
    },
    isReturning: agent => {
      const until = returning.get(agent)
      if (until === undefined) return false
      if (now() < until) return true
      returning.delete(agent)
      return false
    },
    begin: (peer, agent, epoch) => {
      if ((sessions.get(agent)?.epoch ?? 0) >= epoch) return false
      sessions.set(agent, { peer, epoch })
      returning.delete(agent)
      return true
    },
    end: (agent, epoch) => sessions.get(agent)?.epoch === epoch && sessions.delete(agent),
    forget: agent => {
      sessions.delete(agent)
      returning.delete(agent)
    },
    drop: peer => {
      const dropped = [...sessions].flatMap(([agent, session]) => (session.peer === peer ? [agent] : []))
      for (const agent of dropped) {
        sessions.delete(agent)
        returning.set(agent, now() + returnMs)
      }
      return dropped
    },
    get size() {
      return sessions.size
    },
  }
}

import { fromAgent, fromBroker, type Frame, type FromAgent, type Keyset } from '@re-ops/protocols'
import { makeBucket } from './bucket.ts'
import type { Chunks } from './chunks.ts'
import type { Drops } from './counters.ts'
import type { Hellos } from './hello.ts'
import { brokerLimits } from './limits.ts'
import type { Addressed, BrokerSays } from './port.ts'
import type { Session, Sessions } from './sessions.ts'
import type { Shelf } from './shelf.ts'
import type { AgentSays, CallShape, CallSays } from './words.ts'
import type { Writer } from './writer.ts'

export type ConversationDeps = {
  readonly sessions: Sessions
  readonly drops: Drops
  readonly writer: Writer
  readonly hellos: Hellos
  readonly shelf: Shelf
  readonly chunks: Chunks
  say(item: BrokerSays): void
  audit(action: string, agent: string | null, detail: Record<string, string | number>): void
}
export type Conversation = {
  /** One message as it came from the socket. */
  received(frames: readonly Buffer[]): void
  call(shape: CallShape, to: readonly Addressed[]): void
  send(agent: string, epoch: number, messages: readonly CallSays[]): void
  beat(session: Session): void
  /** Tells every session of a newer keyset. */
  publish(keyset: Keyset): void
  endSession(session: Session, reason: string, retry: boolean): void
}

/** What is said and heard in sessions. A message counts only when its token belongs to the connection it came over. */
export const makeConversation = (deps: ConversationDeps): Conversation => {
  const { sessions, drops, writer, hellos, shelf, chunks, say, audit } = deps
  const reminders = makeBucket(brokerLimits.remindersPerSecondMax, brokerLimits.remindersPerSecondMax)

  const lose = (session: Session, reason: string) => {
    if (sessions.remove(session)) say({ kind: 'ended', agent: session.agent, epoch: session.epoch, reason })
  }
  const tell = (session: Session, frame: Frame, control: boolean, calls: readonly string[] = []) => {
    const { routing, agent } = session
    const onFail = (why: 'gone' | 'slow' | 'full') => {
      if (calls.length > 0) say({ kind: 'unsent', agent, calls, why })
      if (why !== 'full') lose(session, why)
    }
    writer.put({ routing, frame, onFail }, control)
  }
  const endSession = (session: Session, reason: string, retry: boolean) => {
    tell(session, fromBroker.encode('session.end', { reason, retry }, session.token), true)
    lose(session, reason)
  }
  const live = (agent: string, epoch: number): Session | undefined => {
    const session = sessions.byAgent.get(agent)
    return session?.epoch === epoch ? session : undefined
  }
  // After a restart of the broker, ZeroMQ reconnects an agent that did not notice; it is told to say hello again.
  const noSession = (routing: string) => {
    drops.count('no-session')
    const end = { reason: 'no session here, say hello', retry: true }
    if (reminders.take()) writer.put({ routing, frame: fromBroker.encode('session.end', end) }, true)
  }
  const heard = (routing: string, message: FromAgent) => {
    if (message.kind === 'hello.start') return hellos.started(routing, message)
    if (message.kind === 'hello.proof') return hellos.proved(routing, message)
    const session = sessions.byRouting.get(routing)
    if (!session) return noSession(routing)
    if (message.token !== session.token) {
      drops.count('wrong-token')
      return audit('message.refused', session.agent, { why: 'the token is not that of this connection' })
    }
    if (!session.bucket.take()) {
      drops.count('too-many-messages')
      return endSession(session, `more than ${brokerLimits.messagesPerSecondMax} messages a second`, true)
    }
    session.heardAt = performance.now()
    if (message.kind === 'heartbeat') return
    if (message.kind === 'module.pull') return shelf.pulled(session, message.body.hash)
    if (message.kind === 'file.pull') return chunks.pulled(session, message.body)
    const { kind, body } = message
    const { agent, epoch } = session
    say({ kind: 'heard', agent, epoch, message: { kind, body } as AgentSays })
    if (kind === 'goodbye') lose(session, 'goodbye')
  }
  return {
    endSession,
    received: frames => {
      const [routing, bytes] = frames
      if (frames.length !== 2 || !routing || !bytes) return drops.count('frames')
      const message = fromAgent.decode(bytes)
      if (message.kind === 'malformed') drops.count('malformed')
      else heard(routing.toString('latin1'), message)
    },
    call: (shape, to) => {
      const encode = fromBroker.encoder('call', shape)
      for (const { agent, epoch, id, settled } of to) {
        const session = live(agent, epoch)
        const own = settled ? { id, settled: [...settled] } : { id }
        if (session && shape.module !== undefined) shelf.goAhead(session, shape.module)
        if (session) tell(session, encode(own, session.token), false, [id])
        else say({ kind: 'unsent', agent, calls: [id], why: 'gone' })
      }
    },
    send: (agent, epoch, messages) => {
      const session = live(agent, epoch)
      if (!session) return
      for (const { kind, body } of messages) {
        if (kind === 'file.opened') chunks.opened(session, body.hash)
        tell(session, fromBroker.encode(kind, body, session.token), true)
      }
    },
    publish: keyset => {
      const body = { keyset, at: Date.now() }
      for (const session of sessions.byAgent.values())
        tell(session, fromBroker.encode('keyset', body, session.token), true)
    },
    beat: session => {
      session.beatAt = performance.now()
      tell(session, fromBroker.encode('heartbeat', {}, session.token), true)
    },
  }
}

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fromAgent, fromBroker, wireLimits, type FromAgent, type Keyset } from '@re-ops/protocols'
import { makeAllowList } from './allow-list.ts'
import { startAuthenticator } from './authenticator.ts'
import { makeBucket } from './bucket.ts'
import { makeDrops } from './counters.ts'
import { makeHellos } from './hello.ts'
import { makeJudge } from './judge.ts'
import { brokerLimits } from './limits.ts'
import type { Outbox } from './outbox.ts'
import type { BrokerSays, BrokerStart, ServiceSays } from './port.ts'
import { makeRouter } from './router.ts'
import { makeSessions, type Session } from './sessions.ts'
import { openShakes } from './shakes.ts'
import { makeWriter } from './writer.ts'
import type { AgentSays, CallSays } from './words.ts'

const tickMs = 250
const statsMs = 1_000

export type Broker = { handle(item: ServiceSays): void; close(): void; readonly ended: Promise<void> }

/** Binds authenticator and router and serves them. Rejects when the endpoint cannot be bound. */
export const startBroker = async (start: BrokerStart, outbox: Outbox<BrokerSays>): Promise<Broker> => {
  const { say } = outbox
  const allowList = makeAllowList()
  const sessions = makeSessions()
  const drops = makeDrops()
  const shakes = openShakes(start.shakesFile)
  const judge = makeJudge({ allowList, drops, shakes, lookup: key => say({ kind: 'lookup', key }) })
  const authenticator = await startAuthenticator(judge.judge)
  const router = makeRouter(start.curve)
  const writer = makeWriter(frames => router.send(frames))
  const audits = makeBucket(brokerLimits.auditsPerSecondMax, brokerLimits.auditsPerSecondMax)
  const reminders = makeBucket(brokerLimits.remindersPerSecondMax, brokerLimits.remindersPerSecondMax)
  const audit = (action: string, agent: string | null, detail: Record<string, string | number>) => {
    if (audits.take()) say({ kind: 'audit', action, agent, detail })
  }
  const { broker } = start
  let keyset: Keyset | undefined
  const serverKey = start.curve.publicKey
  const hellos = makeHellos({ broker, serverKey, keyset: () => keyset, allowList, sessions, drops, writer, say, audit })

  const lose = (session: Session, reason: string) => {
    if (sessions.remove(session)) say({ kind: 'ended', agent: session.agent, epoch: session.epoch, reason })
  }
  const tell = (session: Session, bytes: Buffer, control: boolean, calls: readonly string[] = []) =>
    writer.put(
      {
        routing: session.routing,
        bytes,
        onFail: why => {
          if (calls.length > 0) say({ kind: 'unsent', agent: session.agent, calls, why })
          if (why !== 'full') lose(session, why)
        },
      },
      control,
    )
  const endSession = (session: Session, reason: string, retry: boolean) => {
    tell(session, fromBroker.encode('session.end', { reason, retry }, session.token), true)
    lose(session, reason)
  }
  const send = (agent: string, epoch: number, messages: readonly CallSays[]) => {
    const session = sessions.byAgent.get(agent)
    if (session?.epoch === epoch) for (const message of messages) sendOne(session, message)
    else {
      const calls = messages.flatMap(message => (message.kind === 'call' ? [message.body.id] : []))
      if (calls.length > 0) say({ kind: 'unsent', agent, calls, why: 'gone' })
    }
  }
  const sendOne = (session: Session, { kind, body }: CallSays) => {
    if (kind === 'call') tell(session, fromBroker.encode(kind, body, session.token), false, [body.id])
    else tell(session, fromBroker.encode(kind, body, session.token), true)
  }

  // After a restart of the broker, ZeroMQ reconnects an agent that did not notice; it is told to say hello again.
  const noSession = (routing: string) => {
    drops.count('no-session')
    const end = { reason: 'no session here, say hello', retry: true }
    if (reminders.take()) writer.put({ routing, bytes: fromBroker.encode('session.end', end) }, true)
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
    const { kind, body } = message
    say({ kind: 'heard', agent: session.agent, epoch: session.epoch, message: { kind, body } as AgentSays })
    if (kind === 'goodbye') lose(session, 'goodbye')
  }
  const receive = async () => {
    let count = 0
    for await (const frames of router) {
      const [routing, bytes] = frames
      if (frames.length !== 2 || !routing || !bytes) drops.count('frames')
      else {
        const message = fromAgent.decode(bytes)
        if (message.kind === 'malformed') drops.count('malformed')
        else heard(routing.toString('hex'), message)
      }
      count += 1
      if (count % brokerLimits.receivesPerTurnMax === 0) await new Promise(setImmediate)
      await outbox.room()
    }
  }

  const heartbeat = fromBroker.encode
  const probe = () => {
    for (const session of sessions.byAgent.values()) beat(session)
  }
  const beat = (session: Session) => {
    session.beatAt = performance.now()
    tell(session, heartbeat('heartbeat', {}, session.token), true)
  }
  const tick = () => {
    hellos.sweep()
    const now = performance.now()
    const silent = wireLimits.heartbeatMs * wireLimits.heartbeatsMissedMax
    for (const session of sessions.byAgent.values()) {
      if (now - session.heardAt > silent) endSession(session, 'silent', true)
      else if (now - session.beatAt >= wireLimits.heartbeatMs) beat(session)
    }
  }
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const report = () => {
    judge.sample()
    say({
      kind: 'stats',
      sessions: sessions.byAgent.size,
      pendingHellos: sessions.pending.size,
      queued: writer.length,
      outbox: outbox.length,
      openFiles: judge.openFiles,
      loopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - 10),
      drops: drops.take(),
    })
    delay.reset()
  }
  const timers = [setInterval(tick, tickMs), setInterval(report, statsMs)]
  await router.bind(start.bind).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `cannot listen for agents on ${start.bind}: ${error.code ?? error.message}; REMOTE_BROKER_HOST and REMOTE_BROKER_PORT must name a free address of this machine`,
    )
  })
  const stopWatching = watchDisconnects(router, () => sessions.byAgent.size, probe)
  say({ kind: 'listening', endpoint: router.lastEndpoint ?? start.bind, pid: process.pid })

  return {
    ended: Promise.race([receive(), authenticator.ended]),
    handle: item => {
      switch (item.kind) {
        case 'allow':
          for (const agent of allowList.update(item.entries, item.full, item.ageMs)) {
            const session = sessions.byAgent.get(agent)
            const state = allowList.byAgent(agent)?.state ?? 'revoked'
            if (session) endSession(session, state, state === 'quarantined')
          }
          return
        case 'keyset':
          keyset = item.keyset
          return
        case 'admit':
          return hellos.admit(item.routing, item.epoch)
        case 'refuse':
          return hellos.refuse(item.routing, item.reason, item.retry)
        case 'send':
          return send(item.agent, item.epoch, item.messages)
        case 'end': {
          const session = sessions.byAgent.get(item.agent)
          return session && endSession(session, item.reason, item.retry)
        }
        case 'start':
          return
      }
    },
    close: () => {
      timers.forEach(clearInterval)
      stopWatching()
      delay.disable()
      writer.close()
      router.close()
      authenticator.close()
      shakes.close()
    },
  }
}

/**
 * ZeroMQ tells that some connection ended, not which. So a disconnect makes us say a heartbeat to all: who is gone answers EHOSTUNREACH,
 * and a killed agent shows as offline at once. Spaced so that a storm of disconnects costs little.
 */
const watchDisconnects = (
  router: ReturnType<typeof makeRouter>,
  sessions: () => number,
  probe: () => void,
): (() => void) => {
  let due: NodeJS.Timeout | undefined
  router.events.on('disconnect', () => {
    due ??= setTimeout(() => {
      due = undefined
      probe()
    }, 100 + sessions())
  })
  return () => clearTimeout(due)
}

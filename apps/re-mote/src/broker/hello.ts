import { randomBytes } from 'node:crypto'
import { fromBroker, helloIsGenuine, newSecret, wireLimits, type FromAgent, type Keyset } from '@re-ops/protocols'
import type { AllowList } from './allow-list.ts'
import { makeBucket } from './bucket.ts'
import type { Drops } from './counters.ts'
import { brokerLimits } from './limits.ts'
import type { BrokerSays } from './port.ts'
import type { Sessions } from './sessions.ts'
import type { Writer } from './writer.ts'

const version = 1

export type HelloDeps = {
  readonly broker: string
  readonly serverKey: string
  keyset(): Keyset | undefined
  readonly allowList: AllowList
  readonly sessions: Sessions
  readonly drops: Drops
  readonly writer: Writer
  say(item: BrokerSays): void
  /** A session began. */
  greet(agent: string): void
  audit(action: string, agent: string | null, detail: Record<string, string | number>): void
}

export type Hellos = {
  started(routing: string, message: Extract<FromAgent, { kind: 'hello.start' }>): void
  proved(routing: string, message: Extract<FromAgent, { kind: 'hello.proof' }>): void
  admit(routing: string, agent: string, epoch: number): void
  refuse(routing: string, reason: string, retry: boolean): void
  /** Forgets connections that did not say hello in time. */
  sweep(): void
}

/** From a connection to a session: start, challenge, proof, the service's word, welcome. */
export const makeHellos = (deps: HelloDeps): Hellos => {
  const { sessions, drops, writer, allowList } = deps
  const refuse = (routing: string, reason: string, retry: boolean) => {
    sessions.pending.delete(routing)
    writer.put({ routing, frame: fromBroker.encode('hello.refused', { reason, retry }) }, true)
  }
  return {
    refuse,
    started: (routing, { body }) => {
      if (!body.versions.includes(version)) return refuse(routing, `this broker speaks version ${version}`, true)
      if (sessions.pending.size >= brokerLimits.pendingHellosMax || sessions.byAgent.size >= brokerLimits.sessionsMax)
        return drops.count('too-many-hellos')
      if (sessions.pending.get(routing)?.proven) return drops.count('too-many-hellos')
      const brokerNonce = randomBytes(24).toString('base64url')
      const { agent, boot, nonce: agentNonce } = body
      sessions.pending.delete(routing) // so that the map stays in the order of time, which the sweep relies on
      sessions.pending.set(routing, {
        routing,
        agent,
        boot,
        agentNonce,
        brokerNonce,
        at: performance.now(),
        challengedAt: Date.now(),
        proven: false,
      })
      const challenge = { broker: deps.broker, serverKey: deps.serverKey, nonce: brokerNonce, version }
      writer.put({ routing, frame: fromBroker.encode('hello.challenge', challenge) }, true)
    },
    proved: (routing, { body }) => {
      const pending = sessions.pending.get(routing)
      if (!pending || pending.proven) return drops.count('no-session')
      const { agent, boot, agentNonce, brokerNonce, challengedAt } = pending
      const entry = allowList.byAgent(agent)
      const hello = {
        broker: deps.broker,
        serverKey: deps.serverKey,
        agent,
        agentKey: entry?.signKey ?? '',
        agentNonce,
        brokerNonce,
        boot,
        version,
        journalCounter: body.journalCounter,
      }
      if (!entry || !helloIsGenuine(entry.signKey, hello, body.signature)) {
        drops.count('bad-proof')
        deps.audit('hello.refused', agent, { why: entry ? 'the signature is not that of the agent' : 'unknown agent' })
        return refuse(routing, 'the proof does not fit the identity', true)
      }
      if (entry.state !== 'enrolled') return refuse(routing, entry.state, entry.state === 'quarantined')
      pending.proven = true
      const { journalCounter, name, pid, version: agentVersion, addresses } = body
      const told = { journalCounter, name, pid, version: agentVersion, addresses }
      deps.say({ kind: 'hello', routing, agent, boot, challengedAt, ...told })
    },
    admit: (routing, agent, epoch) => {
      const keyset = deps.keyset()
      const ended = (reason: string) => deps.say({ kind: 'ended', agent, epoch, reason })
      const isPending = sessions.pending.get(routing)?.agent === agent
      if (!isPending) return ended('gone')
      const why = keyset ? 'not accepted any more' : 'this broker is not ready'
      if (!keyset || allowList.byAgent(agent)?.state !== 'enrolled') {
        refuse(routing, why, true)
        return ended(why)
      }
      sessions.pending.delete(routing)
      const token = newSecret()
      const now = performance.now()
      const bucket = makeBucket(brokerLimits.messagesPerSecondMax, brokerLimits.messagesBurstMax)
      const session = { routing, agent, epoch, token, bucket, heardAt: now, beatAt: now }
      const older = sessions.add(session)
      if (older) {
        const end = { reason: 'superseded by a newer hello', retry: true }
        writer.put({ routing: older.routing, frame: fromBroker.encode('session.end', end, older.token) }, true)
        deps.say({ kind: 'ended', agent, epoch: older.epoch, reason: 'superseded' })
      }
      const welcome = { token, epoch, at: Date.now(), heartbeatMs: wireLimits.heartbeatMs, keyset }
      const onFail = () => {
        if (sessions.remove(session)) ended('gone')
      }
      writer.put({ routing, frame: fromBroker.encode('hello.welcome', welcome), onFail }, true)
      deps.greet(agent)
    },
    sweep: () => {
      const now = performance.now()
      for (const [routing, { at, proven }] of sessions.pending) {
        if (now - at < wireLimits.helloTimeoutMs) break
        // Who has proved itself waits for the service, which may wait for Postgres; in the end it is told to come again.
        if (!proven) sessions.pending.delete(routing)
        else if (now - at > brokerLimits.admissionTimeoutMs) refuse(routing, 'no answer from the service', true)
      }
    },
  }
}

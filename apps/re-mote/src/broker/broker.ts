import type { Keyset } from '@re-ops/protocols'
import type { Router } from 'zeromq'
import { makeAllowList } from './allow-list.ts'
import { startAuthenticator } from './authenticator.ts'
import { makeBucket } from './bucket.ts'
import { makeChunks } from './chunks.ts'
import { makeConversation } from './conversation.ts'
import { makeDrops } from './counters.ts'
import { makeHellos } from './hello.ts'
import { makeJudge } from './judge.ts'
import { brokerLimits } from './limits.ts'
import type { Outbox } from './outbox.ts'
import type { BrokerSays, BrokerStart, ServiceSays } from './port.ts'
import { makeRouter } from './router.ts'
import { makeSessions } from './sessions.ts'
import { makeShelf } from './shelf.ts'
import { openShakes } from './shakes.ts'
import { startVitals, watchDisconnects } from './vitals.ts'
import { makeWriter } from './writer.ts'

export type Broker = {
  handle(item: ServiceSays): void
  /** Binds and serves; called when the allow-list is there, so that no known agent is turned away. Settles only with an error. */
  serve(): Promise<void>
}

/** How long the broker of a service that died may hold the address. */
const bindWithinMs = 3_000
const bindRetryMs = 25

/** Puts the parts together. The authenticator is bound here, before the router can be. */
export const makeBroker = async (start: BrokerStart, outbox: Outbox<BrokerSays>): Promise<Broker> => {
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
  const audit = (action: string, agent: string | null, detail: Record<string, string | number>) => {
    if (audits.take()) say({ kind: 'audit', action, agent, detail })
  }
  let keyset: Keyset | undefined
  const { broker, curve } = start
  const identity = { broker, serverKey: curve.publicKey, keyset: () => keyset }
  const shelf = makeShelf({ sessions, drops, writer, say })
  const chunks = makeChunks({ sessions, drops, writer, say })
  const hellos = makeHellos({ ...identity, allowList, sessions, drops, writer, say, audit, greet: shelf.greet })
  const conversation = makeConversation({ sessions, drops, writer, hellos, shelf, chunks, say, audit })

  const publish = (newer: Keyset) => {
    conversation.publish(newer)
    void writer.drained().then(() => say({ kind: 'published', serial: newer.serial }))
  }
  let slowed: PromiseWithResolvers<void> | undefined
  const receive = async () => {
    let [count, bytes] = [0, 0]
    // Not `for await`, which costs a message two promises more. The router lives as long as this process.
    for (;;) {
      const frames = await router.receive()
      conversation.received(frames)
      count += 1
      for (const frame of frames) bytes += frame.length
      if (count >= brokerLimits.receivesPerTurnMax || bytes >= brokerLimits.receivedBytesPerTurnMax) {
        ;[count, bytes] = [0, 0]
        await new Promise(setImmediate)
      }
      const room = outbox.room()
      if (room) await room
      if (slowed) await slowed.promise
    }
  }
  return {
    serve: async () => {
      await bind(router, start.bind)
      watchDisconnects(router, { sessions, conversation })
      startVitals({ sessions, conversation, hellos, judge, writer, drops, outbox })
      say({ kind: 'listening', endpoint: router.lastEndpoint ?? start.bind, pid: process.pid })
      await Promise.race([receive(), authenticator.ended])
      throw new Error('router or authenticator ended')
    },
    handle: item => {
      switch (item.kind) {
        case 'allow':
          for (const agent of allowList.update(item.entries, item.full, item.ageMs)) {
            const session = sessions.byAgent.get(agent)
            const state = allowList.byAgent(agent)?.state ?? 'revoked'
            if (session) conversation.endSession(session, state, state === 'quarantined')
          }
          return
        case 'keyset':
          if (keyset !== undefined && item.keyset.serial > keyset.serial) publish(item.keyset)
          keyset = item.keyset
          return
        case 'admit':
          return hellos.admit(item.routing, item.agent, item.epoch)
        case 'refuse':
          return hellos.refuse(item.routing, item.reason, item.retry)
        case 'calls':
          return conversation.call(item.shape, item.to)
        case 'send':
          return conversation.send(item.agent, item.epoch, item.messages)
        case 'slow':
          slowed?.resolve()
          slowed = item.isSlow ? Promise.withResolvers<void>() : undefined
          return
        case 'end': {
          const session = sessions.byAgent.get(item.agent)
          return session && conversation.endSession(session, item.reason, item.retry)
        }
        case 'module':
          return shelf.put(item)
        case 'chunk':
          return chunks.put(item)
        case 'modules.revoked':
          return shelf.revoked(item)
        case 'start':
          return
      }
    },
  }
}

const bind = async (router: Router, address: string): Promise<void> => {
  const deadline = performance.now() + bindWithinMs
  for (;;) {
    try {
      return await router.bind(address)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'EADDRINUSE' || performance.now() > deadline)
        throw new Error(
          `cannot listen for agents on ${address}: ${code ?? message}; REMOTE_BROKER_HOST and REMOTE_BROKER_PORT must name a free address of this machine`,
          { cause: error },
        )
      await new Promise(resolve => setTimeout(resolve, bindRetryMs))
    }
  }
}

import type { Log, Pool } from '@re-ops/service'
import type { Addressed } from '../broker/port.ts'
import type { AgentAsks, CallAnswer, CallShape, CallSays } from '../broker/words.ts'
import { clearRelay } from '../store/relay.ts'
import { sessionsOf, type Peer, type Renewed } from '../store/replicas.ts'
import type { Link } from '../zmq/link.ts'
import { makeDirectory } from './directory.ts'
import { holdLease } from './lease.ts'
import { makeRelay } from './relay.ts'
import { makeCallRoutes } from './routes.ts'
import type { PeerSays } from './words.ts'

export type PeersDeps = {
  readonly log: Log
  readonly pool: Pool
  readonly replica: string
  /** Of our own broker, once it is there. */
  link(): Link | undefined
  /** With another broker: what came of calls may have been told to a service that is no more. */
  onLive(host: string, epoch: number, again: true): void
  onHeard(host: string, message: CallAnswer | AgentAsks): void
  onUnsent(host: string, calls: readonly string[], why: string): void
  onHostChanged(host: string): void
  onRunChanged(run: string): void
  onCancel(run: string): void
  onPause(run: string, paused: boolean): void
  /** Another service is gone, or has another broker. */
  onGone(): void
  /** Which services there are was read anew: one that was not known may be there. */
  onKnown(): void
  /** The lease had expired: others may have taken up runs of ours, and ended sessions. */
  onLapsed(): void
  /** Services came or went that agents should know of. */
  onEndpoints(endpoints: readonly string[]): void
  onReplaced(): void
}
/** Our broker's agents and those of the other services on this Postgres, as if they were all ours. */
export type Peers = Pick<Link, 'epochOf' | 'isReturning' | 'call' | 'send'> & {
  /** Where agents dial, all services taken together. */
  readonly endpoints: readonly string[]
  /** What our broker says; true when it was for another service. */
  heard(host: string, message: CallAnswer | AgentAsks): boolean
  unsent(host: string, calls: readonly string[], why: string): boolean
  live(host: string, epoch: number): void
  ended(host: string, epoch: number): void
  away(): void
  /** A result for a call of a run that this service drives; false when it cannot be told. */
  forward(owner: string, host: string, message: CallAnswer): boolean
  tell(item: Extract<PeerSays, { kind: 'cancel' | 'pause' | 'changed' }>): void
  announce(broker: string, endpoint: string | null): Promise<readonly string[]>
  wake(): void
  close(): Promise<void>
}

/** A service that has just come does not know yet whom to tell: its sessions are read a few times, and then now and then. */
const readsAtFirst = 4
const readEvery = 12

export const joinPeers = async (deps: PeersDeps): Promise<Peers> => {
  const { log, pool, replica } = deps
  const directory = makeDirectory()
  const routes = makeCallRoutes()
  let peers: readonly Peer[] = []
  let endpoints: readonly string[] = []
  const ticks = new Map<string, number>()

  const say = (to: string, item: PeerSays): boolean => relay.say(to, item)
  const tellAll = (item: PeerSays): void => peers.forEach(({ id }) => say(id, item))
  const begin = (peer: string, agent: string, epoch: number): void => {
    const own = deps.link()?.epochOf(agent)
    if (own !== undefined && own >= epoch) return
    if (!directory.begin(peer, agent, epoch)) return
    if (own !== undefined) deps.link()?.endSession(agent, 'superseded by a session with another broker', true)
    deps.onHostChanged(agent)
    deps.onLive(agent, epoch, true)
  }
  const drop = (peer: string): void => directory.drop(peer).forEach(deps.onHostChanged)
  const readSessions = async ({ id, broker }: Peer): Promise<void> => {
    if (broker === null) return
    for (const { host, epoch } of await sessionsOf(pool, broker, { ended: false })) begin(id, host, epoch)
  }
  const onRenewed = ({ lapsed, peers: now, endpoints: known }: Renewed): void => {
    for (const gone of peers.filter(one => !now.some(other => other.id === one.id && other.broker === one.broker))) {
      drop(gone.id)
      ticks.delete(gone.id)
      deps.onGone()
    }
    peers = now
    for (const peer of peers) {
      const tick = ticks.get(peer.id) ?? 0
      ticks.set(peer.id, tick + 1)
      if (tick >= readsAtFirst && tick % readEvery !== 0) continue
      readSessions(peer).catch((error: unknown) =>
        log.warn({ err: error }, 'sessions of another service cannot be read now'),
      )
    }
    if (peers.length > 0) relay.wake()
    deps.onKnown()
    if (lapsed) deps.onLapsed()
    const isChanged = endpoints.length > 0 && endpoints.join() !== known.join()
    endpoints = known
    if (isChanged) deps.onEndpoints(endpoints)
  }
  const deliver = (peer: string, { shape, to }: Extract<PeerSays, { kind: 'calls' }>): void => {
    const link = deps.link()
    for (const one of to) {
      if (link?.epochOf(one.agent) !== one.epoch) {
        say(peer, { kind: 'unsent', agent: one.agent, calls: [one.id], why: 'gone' })
        continue
      }
      one.settled?.forEach(id => routes.end(id))
      routes.note(one.id, peer)
      link.call(shape, one)
    }
  }
  const pass = (peer: string, { agent, epoch, messages }: Extract<PeerSays, { kind: 'send' }>): void => {
    for (const message of messages)
      if (message.kind === 'call.ask') message.body.ids.forEach(id => routes.note(id, peer))
      else if (message.kind === 'call.cancel') routes.note(message.body.id, peer)
      else if (message.kind === 'call.settled') message.body.ids.forEach(id => routes.end(id))
    deps.link()?.send(agent, epoch, messages)
  }
  const onSaid = (from: string, item: PeerSays): void => {
    switch (item.kind) {
      case 'live':
        return begin(from, item.agent, item.epoch)
      case 'ended':
        return void (directory.end(item.agent, item.epoch) && deps.onHostChanged(item.agent))
      case 'away':
        return drop(from)
      case 'calls':
        return deliver(from, item)
      case 'send':
        return pass(from, item)
      case 'heard':
        return deps.onHeard(item.agent, item.message)
      case 'unsent':
        return deps.onUnsent(item.agent, item.calls, item.why)
      case 'cancel':
        return deps.onCancel(item.run)
      case 'pause':
        return deps.onPause(item.run, item.paused)
      case 'changed':
        return deps.onRunChanged(item.run)
    }
  }
  const relay = makeRelay({ log, pool, replica, onSaid })
  await clearRelay(pool, replica)
  const lease = await holdLease({ log, pool, replica, onRenewed, onReplaced: deps.onReplaced })

  const unsentSoon = (to: Addressed, why: string) => void setImmediate(() => deps.onUnsent(to.agent, [to.id], why))
  const call = (shape: CallShape, to: Addressed): void => {
    const link = deps.link()
    if (link?.epochOf(to.agent) === to.epoch) return link.call(shape, to)
    const peer = directory.peerOf(to.agent, to.epoch)
    if (peer === undefined) return unsentSoon(to, 'gone')
    if (!say(peer, { kind: 'calls', shape, to: [to] })) unsentSoon(to, 'full')
  }
  const send = (agent: string, epoch: number, messages: readonly CallSays[]): void => {
    const link = deps.link()
    const peer = directory.peerOf(agent, epoch)
    if (link?.epochOf(agent) === epoch || peer === undefined) return link?.send(agent, epoch, messages)
    say(peer, { kind: 'send', agent, epoch, messages })
  }
  /** Parts of a report go to whom their calls belong. */
  const reported = (agent: string, message: Extract<CallAnswer, { kind: 'call.report' }>): boolean => {
    const byPeer = Map.groupBy(message.body.calls, ({ id }) => routes.of(id))
    for (const [peer, calls] of byPeer)
      if (peer === undefined) deps.onHeard(agent, { ...message, body: { calls } })
      else say(peer, { kind: 'heard', agent, message: { ...message, body: { calls } } })
    return true
  }
  return {
    get endpoints() {
      return endpoints
    },
    // Without a good lease nothing is sent: who is there counts as on its way back.
    epochOf: host => (lease.isGood() ? (deps.link()?.epochOf(host) ?? directory.epochOf(host)) : undefined),
    isReturning: host => !lease.isGood() || (deps.link()?.isReturning(host) ?? true) || directory.isReturning(host),
    call,
    send,
    heard: (agent, message) => {
      if (routes.size === 0 || message.kind === 'goodbye') return false
      if (message.kind === 'call.report') return reported(agent, message)
      const peer = routes.of(idOf(message))
      if (peer === undefined) return false
      // Who is gone is told nothing: its run is taken up by another, and Postgres says by whom.
      if (!peers.some(({ id }) => id === peer)) {
        routes.end(idOf(message))
        return false
      }
      return say(peer, { kind: 'heard', agent, message })
    },
    unsent: (agent, calls, why) => {
      if (routes.size === 0) return false
      const byPeer = Map.groupBy(calls, id => routes.of(id))
      for (const [peer, ids] of byPeer)
        if (peer === undefined) deps.onUnsent(agent, ids, why)
        else say(peer, { kind: 'unsent', agent, calls: ids, why })
      return true
    },
    live: (agent, epoch) => {
      directory.forget(agent)
      tellAll({ kind: 'live', agent, epoch })
    },
    ended: (agent, epoch) => tellAll({ kind: 'ended', agent, epoch }),
    away: () => tellAll({ kind: 'away' }),
    forward: (owner, agent, message) =>
      owner !== replica && peers.some(({ id }) => id === owner) && say(owner, { kind: 'heard', agent, message }),
    tell: tellAll,
    announce: async (broker, endpoint) => (await lease.announce({ broker, endpoint })).endpoints,
    wake: relay.wake,
    close: async () => {
      await relay.drained()
      await lease.close()
    },
  }
}

const idOf = ({ body }: Exclude<CallAnswer | AgentAsks, { kind: 'goodbye' | 'call.report' }>): string =>
  'call' in body ? body.call : body.id

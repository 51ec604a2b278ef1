import { fromBroker, moduleLimits } from '@re-ops/protocols'
import { makeBucket } from './bucket.ts'
import type { Drops } from './counters.ts'
import { brokerLimits } from './limits.ts'
import type { BrokerSays, ServiceSays } from './port.ts'
import type { Session, Sessions } from './sessions.ts'
import type { Writer } from './writer.ts'

export type ShelfDeps = {
  readonly sessions: Sessions
  readonly drops: Drops
  readonly writer: Writer
  say(item: BrokerSays): void
}
/** The modules that agents pull: asked for at the service once, then given to every agent from here. */
export type Shelf = {
  pulled(session: Session, hash: string): void
  /** A small module goes ahead of the first call of it in a session: that spares every host the asking. */
  goAhead(session: Session, hash: string): void
  put(item: Extract<ServiceSays, { kind: 'module' }>): void
  revoked(item: Extract<ServiceSays, { kind: 'modules.revoked' }>): void
  /** What a new session must know. */
  greet(agent: string): void
}

const piecesOf = (text: string): string[] => {
  const bytes = Buffer.from(text)
  const pieces: string[] = []
  for (let at = 0; at < bytes.length; at += moduleLimits.partBytesMax)
    pieces.push(bytes.toString('base64', at, Math.min(bytes.length, at + moduleLimits.partBytesMax)))
  return pieces
}

export const makeShelf = ({ sessions, drops, writer, say }: ShelfDeps): Shelf => {
  const kept = new Map<string, readonly string[]>()
  /** Who waits for a module, and when the service was last asked. */
  const waiting = new Map<string, { readonly agents: Set<string>; askedAt: number }>()
  /** What sessions were given; of one that ended nothing is kept. */
  const given = new WeakMap<Session, Set<string>>()
  const asks = makeBucket(brokerLimits.modulesAskedPerSecondMax, brokerLimits.modulesAskedPerSecondMax)
  let [bytes, all]: [number, readonly string[]] = [0, []]

  const forget = (hash: string) => {
    for (const piece of kept.get(hash) ?? []) bytes -= piece.length
    kept.delete(hash)
  }
  const send = ({ routing, token }: Session, hash: string, pieces: readonly string[]) =>
    pieces.forEach((data, part) => {
      const body = { hash, part, of: pieces.length, data }
      writer.put({ routing, frame: fromBroker.encode('module.part', body, token) }, false)
    })
  const isNew = (session: Session, hash: string): boolean => {
    const known = given.get(session) ?? new Set<string>()
    given.set(session, known)
    if (known.has(hash)) return false
    if (known.size >= brokerLimits.modulesKnownPerSessionMax) known.clear()
    known.add(hash)
    return true
  }
  const waiters = (hash: string): Session[] => {
    const { agents = [] } = waiting.get(hash) ?? {}
    waiting.delete(hash)
    return [...agents].flatMap(agent => sessions.byAgent.get(agent) ?? [])
  }
  return {
    goAhead: (session, hash) => {
      const pieces = kept.get(hash)
      const [piece = ''] = pieces ?? []
      if (pieces?.length !== 1 || piece.length > moduleLimits.aheadCharsMax) return
      if (isNew(session, hash)) send(session, hash, pieces)
    },
    pulled: (session, hash) => {
      const pieces = kept.get(hash)
      if (pieces) {
        kept.delete(hash)
        kept.set(hash, pieces)
        return send(session, hash, pieces)
      }
      const known = waiting.get(hash)
      if (!known && waiting.size >= brokerLimits.modulesWaitedForMax) return drops.count('too-many-pulls')
      const here = known ?? { agents: new Set<string>(), askedAt: 0 }
      waiting.set(hash, here)
      here.agents.add(session.agent)
      const now = performance.now()
      if (known && now - here.askedAt < brokerLimits.moduleAskAgainMs) return
      if (!asks.take()) return drops.count('too-many-pulls')
      here.askedAt = now
      say({ kind: 'module.wanted', hash })
    },
    put: item => {
      const { hash } = item
      if ('refused' in item) {
        for (const { routing, token } of waiters(hash)) {
          const body = { hash, reason: item.refused }
          writer.put({ routing, frame: fromBroker.encode('module.refused', body, token) }, true)
        }
        return
      }
      forget(hash)
      const pieces = piecesOf(item.text)
      kept.set(hash, pieces)
      for (const piece of pieces) bytes += piece.length
      for (const session of waiters(hash)) send(session, hash, pieces)
      for (const oldest of kept.keys()) {
        if (bytes <= brokerLimits.moduleBytesKeptMax || kept.size === 1) break
        forget(oldest)
      }
    },
    revoked: item => {
      all = item.all
      for (const hash of item.all) forget(hash)
      if (item.fresh.length === 0) return
      for (const { routing, token } of sessions.byRouting.values()) {
        const body = { hashes: [...item.fresh] }
        writer.put({ routing, frame: fromBroker.encode('module.revoked', body, token) }, true)
      }
    },
    greet: agent => {
      const session = sessions.byAgent.get(agent)
      if (!session || all.length === 0) return
      const { routing, token } = session
      writer.put({ routing, frame: fromBroker.encode('module.revoked', { hashes: [...all] }, token) }, true)
    },
  }
}

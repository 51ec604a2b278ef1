import { fileLimits, fromBroker } from '@re-ops/protocols'
import type { Drops } from './counters.ts'
import { brokerLimits } from './limits.ts'
import type { BrokerSays, ServiceSays } from './port.ts'
import type { Session, Sessions } from './sessions.ts'
import type { Writer } from './writer.ts'

export type ChunksDeps = {
  readonly sessions: Sessions
  readonly drops: Drops
  readonly writer: Writer
  say(item: BrokerSays): void
}
/**
 * Chunks of contents that agents pull: asked for at the service once, then given to every agent from here. An agent may pull
 * what the service has opened for one of its calls in this session, and nothing else.
 */
export type Chunks = {
  opened(session: Session, hash: string): void
  pulled(session: Session, pull: Which & { readonly call: string }): void
  put(item: Extract<ServiceSays, { kind: 'chunk' }>): void
}
type Which = { readonly hash: string; readonly chunk: number }
type Asker = { readonly agent: string; readonly call: string }
/** A chunk on its way to an agent, part by part. */
type Delivery = { readonly session: Session; readonly which: Which; readonly parts: readonly string[]; part: number }

const partsOf = (bytes: Uint8Array): string[] => {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: string[] = []
  for (let at = 0; at < all.length; at += fileLimits.partBytes)
    parts.push(all.toString('base64', at, Math.min(all.length, at + fileLimits.partBytes)))
  return parts
}
const keyOf = ({ hash, chunk }: Which) => `${hash} ${chunk}`
const whenFullMs = 2

export const makeChunks = ({ sessions, drops, writer, say }: ChunksDeps): Chunks => {
  const kept = new Map<string, readonly string[]>()
  const waiting = new Map<string, { readonly by: Map<string, Asker>; readonly askedAt: number }>()
  const open = new WeakMap<Session, Set<string>>()
  const queue: Delivery[] = []
  const pending = new WeakMap<Session, number>()
  let [bytes, due]: [number, NodeJS.Timeout | undefined] = [0, undefined]

  const forget = (key: string) => {
    for (const part of kept.get(key) ?? []) bytes -= part.length
    kept.delete(key)
  }
  const keep = (key: string, parts: readonly string[]) => {
    forget(key)
    kept.set(key, parts)
    for (const part of parts) bytes += part.length
    for (const oldest of kept.keys()) {
      if (bytes <= brokerLimits.chunkBytesKeptMax || kept.size === 1) break
      forget(oldest)
    }
  }
  /** A part of each delivery in turn, while the writer keeps up: what waits is made into messages only when it can go. */
  const pump = () => {
    due = undefined
    while (queue.length > 0 && writer.length < brokerLimits.partsQueuedMax) {
      const next = queue.shift() as Delivery
      const { session, which, parts, part } = next
      if (sessions.byRouting.get(session.routing) !== session) continue
      const body = { ...which, part, of: parts.length, data: parts[part] ?? '' }
      writer.put({ routing: session.routing, frame: fromBroker.encode('file.part', body, session.token) }, false)
      next.part += 1
      if (next.part < parts.length) queue.push(next)
      else pending.set(session, (pending.get(session) ?? 1) - 1)
    }
    if (queue.length > 0) due = setTimeout(pump, whenFullMs)
  }
  const deliver = (session: Session, which: Which, parts: readonly string[]) => {
    const count = pending.get(session) ?? 0
    if (count >= brokerLimits.pullsPerAgentMax) return drops.count('too-many-pulls')
    pending.set(session, count + 1)
    queue.push({ session, which, parts, part: 0 })
    if (due === undefined) pump()
  }
  return {
    opened: (session, hash) => {
      const here = open.get(session) ?? new Set<string>()
      open.set(session, here)
      here.delete(hash)
      here.add(hash)
      for (const oldest of here) {
        if (here.size <= brokerLimits.openPerAgentMax) break
        here.delete(oldest)
      }
    },
    pulled: (session, { call, hash, chunk }) => {
      const which = { hash, chunk }
      if (open.get(session)?.has(hash) !== true) return drops.count('not-opened')
      const key = keyOf(which)
      const parts = kept.get(key)
      if (parts) {
        kept.delete(key)
        kept.set(key, parts)
        return deliver(session, which, parts)
      }
      const now = performance.now()
      const known = waiting.get(key)
      if (!known && waiting.size >= brokerLimits.chunksWaitedForMax) return drops.count('too-many-pulls')
      const by = known?.by ?? new Map<string, Asker>()
      by.set(`${session.agent} ${call}`, { agent: session.agent, call })
      if (known && now - known.askedAt < brokerLimits.chunkAskAgainMs) return
      waiting.set(key, { by, askedAt: now })
      say({ kind: 'chunk.wanted', ...which })
    },
    put: item => {
      const key = keyOf(item)
      const { hash, chunk } = item
      const askers = [...(waiting.get(key)?.by.values() ?? [])]
      waiting.delete(key)
      if ('refused' in item) {
        for (const { agent, call } of askers) {
          const session = sessions.byAgent.get(agent)
          const body = { call, hash, reason: item.refused }
          if (session)
            writer.put(
              { routing: session.routing, frame: fromBroker.encode('file.refused', body, session.token) },
              true,
            )
        }
        return
      }
      const parts = partsOf(item.bytes)
      keep(key, parts)
      for (const agent of new Set(askers.map(one => one.agent))) {
        const session = sessions.byAgent.get(agent)
        if (session) deliver(session, { hash, chunk }, parts)
      }
    },
  }
}

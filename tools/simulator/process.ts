import { readdirSync, readFileSync } from 'node:fs'
import { makeLog } from '@re-ops/re-gent/embedded'
import type { Frame } from '@re-ops/protocols'
import { context } from 'zeromq'
import { makeRandom } from '../chaos/foundation/random.ts'
import { faultNames } from './faults.ts'
import { catalogueWith } from './operations.ts'
import type { Begin, Counts, Order, Stats, Which, Word } from './orders.ts'
import { startSimulatedAgent, type SimulatedAgent } from './simulated-agent.ts'
import { makeTurns } from './turns.ts'

/** Many simulated agents in a process of their own. Told over IPC whom to be; ends with its channel. */
const startsAtOnce = 24
/** A parent that is gone is told nothing; `disconnect` ends us. */
const say = (word: Word): void => void process.send?.(word, undefined, {}, () => undefined)

type Mutable<T> = {
  -readonly [K in keyof T]: T[K] extends Readonly<Record<infer N, number>> ? Record<N, number> : T[K]
}
const noCounts = (): Mutable<Counts> => ({
  agents: 0,
  sessions: 0,
  hellos: 0,
  lives: 0,
  started: 0,
  ended: 0,
  settled: 0,
  voided: 0,
  lost: 0,
  faults: Object.fromEntries([...faultNames, 'crash', 'cut', 'half-open'].map(name => [name, 0])) as Counts['faults'],
  said: {},
  heard: {},
  ends: {},
})
const countOf = { start: 'started', end: 'ended', settled: 'settled', void: 'voided', lost: 'lost' } as const

const begin = (order: Begin) => {
  context.maxSockets = context.maxSocketsLimit
  context.blocky = false
  const counts = noCounts()
  const stop = new AbortController()
  const random = makeRandom(order.seed)
  const turns = makeTurns(startsAtOnce)
  let told = false
  const tell = (): void => {
    if (told) return
    told = true
    setImmediate(() => {
      told = false
      say({ kind: 'sessions', live: counts.sessions })
    })
  }
  const deps = {
    begin: order,
    catalogue: catalogueWith(order.operations, random),
    log: makeLog((order.environment['REOPS_LOG_LEVEL'] as 'error' | undefined) ?? 'error'),
    random,
    stop: stop.signal,
    turn: turns.take,
    onLife: () => (counts.lives += 1),
    onSession: (live: boolean) => {
      counts.sessions += live ? 1 : -1
      if (live) counts.hellos += 1
      tell()
    },
    onRecord: (kind: string) => {
      if (kind in countOf) counts[countOf[kind as keyof typeof countOf]] += 1
    },
    onSaid: tally(counts.said),
    onHeard: tally(counts.heard),
    onFault: (fault: keyof Counts['faults']) => (counts.faults[fault] += 1),
  }
  const agents = order.members.map(member => {
    const onEnd = (why: string) => {
      counts.ends = { ...counts.ends, [member.name]: why }
      process.stderr.write(`${member.name} ended: ${why}\n`)
    }
    const agent = startSimulatedAgent({ ...deps, onEnd }, member)
    agent.shares(order.shares)
    return agent
  })
  counts.agents = agents.length
  const chosen = (which: Which): readonly SimulatedAgent[] => {
    if (which === 'all') return agents
    if (typeof which === 'number') return random.some(agents, Math.round(which * agents.length))
    return agents.filter(({ name }) => which.includes(name))
  }
  return (next: Order): void => {
    if (next.kind === 'stats') say({ kind: 'answer', ask: next.ask, value: statsOf(counts) })
    else if (next.kind === 'shares') {
      const struck = chosen(next.which)
      for (const agent of struck) agent.shares(next.shares)
      say({ kind: 'answer', ask: next.ask, value: struck.length })
    } else if (next.kind === 'blow') {
      const struck = chosen(next.which)
      for (const agent of struck) agent.strike(next.blow)
      counts.faults[next.blow] += struck.length
      say({ kind: 'answer', ask: next.ask, value: struck.length })
    } else if (next.kind === 'stop') {
      stop.abort()
      void Promise.all(agents.map(({ ended }) => ended)).then(() => process.exit(0))
    }
  }
}

const [quote, comma] = [34, 44]
const ackedTail = ',"acked":true}}'
/** Most end otherwise: one look tells. */
const isAcked = (message: Frame): boolean => {
  if (typeof message === 'string') return message.endsWith(ackedTail)
  const at = message.length - ackedTail.length
  return message[at] === comma && message.toString('latin1', at) === ackedTail
}
/** Every frame begins `{"k":"<kind>"`: the rest is not read. */
const kindOf = (message: Frame): string =>
  typeof message === 'string'
    ? message.slice(6, message.indexOf('"', 6))
    : message.toString('latin1', 6, message.indexOf(quote, 6))
/** Counts by kind; a result that is its own acknowledgement is counted apart. */
const tally =
  (kinds: Record<string, number>) =>
  (message: Frame): void => {
    const name = kindOf(message)
    const kind = isAcked(message) ? `${name}+acked` : name
    kinds[kind] = (kinds[kind] ?? 0) + 1
  }

const statsOf = (counts: Counts): Stats => {
  const { user, system } = process.cpuUsage()
  const residentKiB = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0)
  const openFiles = readdirSync('/proc/self/fd').length
  return { ...counts, cpuMs: (user + system) / 1000, residentBytes: residentKiB * 1024, openFiles }
}

process.on('disconnect', () => process.exit(0))
process.on('SIGINT', () => undefined) // Ctrl-C reaches the whole group; the parent says when to stop
process.once('message', (order: Begin) => {
  const handle = begin(order)
  process.on('message', handle)
})

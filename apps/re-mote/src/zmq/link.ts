import { newId, type Keyset } from '@re-ops/protocols'
import { isConnectionLost, transaction, withRetry, type Log, type Pool } from '@re-ops/service'
import { brokerLimits } from '../broker/limits.ts'
import type { Addressed, BrokerSays, BrokerStart, Hello, ServiceSays, Stats } from '../broker/port.ts'
import type { AgentAsks, CallAnswer, CallShape, CallSays, OutputChunk, SamplesSays } from '../broker/words.ts'
import { makeBatcher } from '../services/batcher.ts'
import { countAborts, writeAudit, type AuditEntry } from '../store/audit.ts'
import { findAllowed, setHostState } from '../store/hosts.ts'
import {
  endForeignSessions,
  endSessions,
  judgeHellos,
  openSessions,
  quarantineReasons,
  type EndedSession,
} from '../store/sessions.ts'
import { makeAllowFeed } from './allow-feed.ts'
import { superviseBroker, type BrokerEnd, type BrokerProcess } from './supervisor.ts'

export type LinkDeps = {
  readonly log: Log
  readonly pool: Pool
  /** For batches. */
  readonly writer: Pool
  readonly bind: string
  /** The server's key pair from the next start of the broker on. */
  curve(): BrokerStart['curve']
  readonly shakesFile: string
  /** A broker listens here: others are told. Answers the keyset that names this endpoint, signed. */
  keysetFor(broker: string, endpoint: string): Promise<Keyset>
  onLive(host: string, epoch: number): void
  onEnded(host: string, epoch: number): void
  /** The broker ended, and with it all its sessions. */
  onAway(): void
  onHeard(host: string, message: CallAnswer | AgentAsks): void
  onSamples(host: string, epoch: number, message: SamplesSays): void
  onOutput(host: string, chunk: OutputChunk): void
  onUnsent(host: string, calls: readonly string[], why: string): void
  onHostChanged(host: string): void
  onStats(stats: Stats): void
  onModuleWanted(hash: string): void
  onChunkWanted(hash: string, chunk: number): void
  /** A broker listens: the first one, or the next after a restart. */
  onListening(): void
}
export type Link = {
  epochOf(host: string): number | undefined
  isReturning(host: string): boolean
  call(shape: CallShape, to: Addressed): void
  send(host: string, epoch: number, messages: readonly CallSays[]): void
  /** Whether agents are to be listened to only when the service has caught up. */
  slow(isSlow: boolean): void
  endSession(host: string, reason: string, retry: boolean): void
  audit(entry: AuditEntry): void
  /** Another broker is gone: its sessions are over, unless their agents come back soon. */
  endForeign(): void
  sayModule(item: Extract<ServiceSays, { kind: 'module' | 'modules.revoked' }>): void
  sayChunk(item: Extract<ServiceSays, { kind: 'chunk' }>): void
  /** The allow-list changed: tell the broker what is new, or all of it. */
  allowChanged(): void
  allowReload(): void
  readonly broker: string
  readonly pid: number | null
  readonly endpoint: string | null
  readonly sessions: number
  readonly queued: number
  /** A newer keyset is published: for welcomes, and for every session. Resolves when it is on its way to all of these. */
  publish(keyset: Keyset): Promise<void>
  /** A new broker in place of this one, with the server key of now. Agents come back by themselves. */
  restart(): Promise<void>
  close(): Promise<void>
}

/**
 * After a restart of broker or service, hosts that had a session have this long to come back before they count as gone: the longest pause an
 * agent makes between two attempts, and its hello.
 */
const returnMs = 12_000
const abortsMax = 2
const keysetWithinMs = 60_000

type Waiting = { readonly hello: Hello; readonly at: number; readonly broker: string }

/** The service's side of its broker: sessions and epochs, the allow-list, audits, and what an abort tells. */
export const startLink = async (deps: LinkDeps): Promise<Link> => {
  const { log, pool } = deps
  const epochs = new Map<string, number>()
  let returning = new Set(await openSessions(pool))
  let returnTimer: NodeJS.Timeout | undefined
  let isSlowed = false
  let broker = newId()
  let bind = deps.bind
  let endpoint: string | null = null
  let keyset: Keyset | undefined
  let telling: { readonly serial: number; readonly told: PromiseWithResolvers<void> } | undefined
  const listening = Promise.withResolvers<void>()
  /** No hello is answered before there is a keyset to welcome with. */
  const published = Promise.withResolvers<void>()

  const nothing = () => undefined
  const batch = { log, itemsMax: 2_000, newBatchId: newId, onRefused: nothing }
  const audits = makeBatcher<AuditEntry>({
    ...batch,
    name: 'audit',
    flush: async entries => {
      await writeAudit(pool, entries)
      return nothing
    },
  })
  const audit = (entry: AuditEntry) => {
    log.info({ audit: entry.action, host: entry.host, subject: entry.subject, ...entry.detail }, 'audit')
    audits.put(entry)
  }
  const endings = makeBatcher<EndedSession>({
    ...batch,
    name: 'ended sessions',
    flush: async ended => {
      await endSessions(deps.writer, ended)
      return () => ended.forEach(one => deps.onHostChanged(one.agent))
    },
  })
  const hellos = makeBatcher<Waiting>({
    ...batch,
    name: 'hellos',
    onRefused: ({ hello }) =>
      child.say({ kind: 'refuse', routing: hello.routing, reason: 'not understood', retry: true }),
    flush: async waiting => {
      await published.promise
      const oldest = performance.now() - brokerLimits.admissionTimeoutMs
      // The last hello of an agent counts; those before it are from connections it has left.
      const last = new Map(
        waiting.filter(one => one.at >= oldest && one.broker === broker).map(one => [one.hello.agent, one.hello]),
      )
      const judging = broker
      const judged =
        last.size === 0 ? [] : await transaction(deps.writer, tx => judgeHellos(tx, judging, [...last.values()]))
      return () => {
        for (const { host, verdict, epoch } of judged) {
          const hello = last.get(host)
          if (!hello) continue
          if (verdict === 'ok' && epoch !== null) admit(hello, epoch, judging)
          else refuse(hello, verdict)
        }
      }
    },
  })
  /** Live from here on, before the agent hears of it: who waits for its welcome finds the host online. What is said next follows the admission. */
  const admit = ({ agent, routing }: Hello, epoch: number, judging: string) => {
    if (judging !== broker || child.pid === null) return // that broker ended; the agent says hello to the next one
    child.say({ kind: 'admit', routing, agent, epoch })
    epochs.set(agent, epoch)
    returning.delete(agent)
    deps.onHostChanged(agent)
    deps.onLive(agent, epoch)
  }
  const reasons: Readonly<Record<string, string>> = {
    ...quarantineReasons,
    quarantined: 'the host is in quarantine until it is confirmed',
    revoked: 'the identity is revoked',
    unknown: 'the host is unknown',
    stale: 'a newer session of this host began meanwhile, say hello again',
  }
  const refuse = (hello: Hello, verdict: string) => {
    const reason = reasons[verdict] ?? verdict
    child.say({ kind: 'refuse', routing: hello.routing, reason, retry: verdict !== 'revoked' && verdict !== 'unknown' })
    if (verdict !== 'counter' && verdict !== 'clone') return
    audit({
      action: 'host.quarantined',
      subject: 'service',
      host: hello.agent,
      detail: { why: reason, boot: hello.boot },
    })
    deps.onHostChanged(hello.agent)
  }

  let keys = new Set<string>()
  const lookUp = async () => {
    const asked = [...keys]
    keys = new Set()
    try {
      const entries = await findAllowed(pool, asked)
      if (entries.length > 0) feed.say(entries)
    } catch (error) {
      if (!isConnectionLost(error)) throw error
      log.warn({ err: error }, 'a key could not be looked up')
    }
  }

  const onAbort = async ({ signal }: BrokerEnd, key: string) => {
    const [entry] = await withRetry(() => findAllowed(pool, [key]), { forMs: 60_000 })
    if (!entry) return
    await withRetry(
      () =>
        writeAudit(pool, [
          { action: 'broker.aborted', subject: 'service', host: entry.agent, detail: { signal, key } },
        ]),
      { forMs: 60_000 },
    )
    if ((await countAborts(pool, entry.agent)) < abortsMax) return
    const why = `the broker was aborted ${abortsMax} times right after this host shook hands`
    const changed = await setHostState(pool, { ids: [entry.agent], state: 'quarantined', reason: why })
    if (changed.length > 0)
      audit({ action: 'host.quarantined', subject: 'service', host: entry.agent, detail: { why } })
    await feed.reload()
    deps.onHostChanged(entry.agent)
  }
  const onEnd = (end: BrokerEnd) => {
    if (closing) return
    log.warn(
      { code: end.code, signal: end.signal, abortedAfter: end.abortedAfter },
      'the broker ended; starting a new one',
    )
    for (const host of epochs.keys()) returning.add(host)
    epochs.clear()
    telling?.told.resolve() // no sessions are left; welcomes have it
    deps.onAway()
    if (end.abortedAfter !== null)
      onAbort(end, end.abortedAfter).catch((error: unknown) =>
        log.error({ err: error }, 'an abort could not be judged'),
      )
  }
  /** Who has not come back by now is gone. */
  const endReturn = () => {
    returning = new Set()
    withRetry(() => endForeignSessions(pool, broker)).catch((error: unknown) =>
      log.warn({ err: error }, 'sessions of the last broker could not be ended'),
    )
  }
  const endForeign = () => {
    if (closing) return
    clearTimeout(returnTimer)
    returnTimer = setTimeout(endReturn, returnMs)
  }
  const sayKeyset = (signed: Keyset) => {
    keyset = signed
    child.say({ kind: 'keyset', keyset })
  }
  const onUp = () => {
    // What is known already goes ahead, so that a restarted broker needs no Postgres to let agents back in.
    if (keyset) child.say({ kind: 'keyset', keyset })
    if (isSlowed) child.say({ kind: 'slow', isSlow: true })
    feed.resend()
    void feed.reload()
  }
  const onListening = async (at: string) => {
    bind = at
    log.info({ endpoint: at, broker, pid: child.pid }, 'broker listens')
    const isNew = endpoint !== at
    endpoint = at
    const announced = withRetry(() => deps.keysetFor(broker, at), { forMs: keysetWithinMs }).then(sayKeyset)
    if (isNew) {
      await announced
      published.resolve()
    } else announced.catch((error: unknown) => log.warn({ err: error }, 'the new broker cannot be announced now'))
    endForeign()
    listening.resolve()
    deps.onListening()
  }
  const onSays = (item: BrokerSays) => {
    switch (item.kind) {
      case 'listening':
        onListening(item.endpoint).catch((error: unknown) => {
          log.error({ err: error }, 'the keyset cannot be published')
          listening.reject(error)
        })
        return
      case 'published':
        if (telling && item.serial >= telling.serial) telling.told.resolve()
        return
      case 'lookup':
        keys.add(item.key)
        if (keys.size === 1) setImmediate(() => void lookUp())
        return
      case 'module.wanted':
        return deps.onModuleWanted(item.hash)
      case 'chunk.wanted':
        return deps.onChunkWanted(item.hash, item.chunk)
      case 'hello':
        log.trace({ host: item.agent, routing: Buffer.from(item.routing, 'latin1').toString('hex') }, 'hello')
        return hellos.put({ hello: item, at: performance.now(), broker })
      case 'ended':
        if (epochs.get(item.agent) === item.epoch) epochs.delete(item.agent)
        deps.onEnded(item.agent, item.epoch)
        return endings.put(item)
      case 'heard':
        if (item.message.kind === 'output.chunk') return deps.onOutput(item.agent, item.message.body)
        if (item.message.kind === 'samples' || item.message.kind === 'schedules.held')
          return deps.onSamples(item.agent, item.epoch, item.message)
        return deps.onHeard(item.agent, item.message)
      case 'unsent':
        return deps.onUnsent(item.agent, item.calls, item.why)
      case 'audit':
        return audit({ action: item.action, subject: 'broker', host: item.agent, detail: item.detail })
      case 'stats':
        return deps.onStats(item)
    }
  }
  let closing = false
  const feed = makeAllowFeed({ log, pool, say: item => child.say(item) })
  const child: BrokerProcess = superviseBroker({
    start: () => {
      broker = newId()
      return { kind: 'start', broker, bind, curve: deps.curve(), shakesFile: deps.shakesFile }
    },
    onSays: items => items.forEach(onSays),
    onUp,
    onEnd,
    onFailed: line => listening.reject(new Error(line)),
    report: line => log.error(line),
  })
  try {
    await listening.promise
  } catch (error) {
    closing = true
    await child.close()
    throw error
  }
  return {
    epochOf: host => epochs.get(host),
    isReturning: host => returning.has(host),
    call: (shape, to) => child.say({ kind: 'calls', shape, to: [to] }),
    send: (agent, epoch, messages) => child.say({ kind: 'send', agent, epoch, messages }),
    slow: isSlow => {
      isSlowed = isSlow
      if (isSlow) log.warn('results come faster than they can be stored; agents are not listened to for a moment')
      child.say({ kind: 'slow', isSlow })
    },
    endSession: (agent, reason, retry) => child.say({ kind: 'end', agent, reason, retry }),
    audit,
    endForeign,
    sayModule: item => child.say(item),
    sayChunk: item => child.say(item),
    allowChanged: feed.changed,
    allowReload: () => void feed.reload(),
    get broker() {
      return broker
    },
    get pid() {
      return child.pid
    },
    get endpoint() {
      return endpoint
    },
    get sessions() {
      return epochs.size
    },
    get queued() {
      return child.queued
    },
    publish: newer => {
      keyset = newer
      telling?.told.resolve()
      telling = { serial: newer.serial, told: Promise.withResolvers() }
      child.say({ kind: 'keyset', keyset: newer })
      return telling.told.promise
    },
    restart: () => child.restart(),
    close: async () => {
      closing = true
      clearTimeout(returnTimer)
      feed.close()
      await child.close()
      await Promise.all([audits.drained(), endings.drained()])
    },
  }
}

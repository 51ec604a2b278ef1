import type { Outputs } from '@re-ops/outputs'
import { wireLimits, type CallResult, type FromBroker, type Id } from '@re-ops/protocols'
import { nowMs } from './clock.ts'
import { makeCompilerSwitch } from './compiler.ts'
import { execute } from './execute/execute.ts'
import type { AbortReason } from './execute/failed.ts'
import { findOperation, refusalOf, resultBytesMax, type Call, type Catalogue, type Found } from './execute/found.ts'
import type { Journal } from './journal.ts'
import { processSince } from './leftovers.ts'
import type { ContentMessage, Contents } from './contents/contents.ts'
import type { Live, ModuleMessage } from './live/live.ts'
import { errorText, type Log } from './log.ts'
import type { WatchMemory } from './memory-watch.ts'
import type { Outbox } from './outbox.ts'
import type { OutputPulls } from './output-pulls.ts'
import type { PolicyKeeper } from './policy.ts'
import { makeReports } from './reports.ts'
import type { Ring } from './ring.ts'

export type CallsDeps = {
  readonly catalogue: Catalogue
  readonly policy: PolicyKeeper
  /** Live modules: loaded when the first call names one. */
  live(): Promise<Live>
  /** Contents of files over the wire: loaded when the first call talks about one. */
  contents(): Promise<Contents>
  /** Watches what commands use: loaded with the first one on a host that limits them. */
  memory(): Promise<WatchMemory>
  readonly journal: Journal
  readonly ring: Ring
  readonly outbox: Outbox
  readonly outputs: Outputs
  /** Answers who reads the output of a call. */
  readonly pull: OutputPulls['pull']
  readonly log: Log
  readonly slots: number
  /** Proof kit only: an id that is known is started all the same, which a chaos test must notice. */
  readonly startsAgain: boolean
}
/** The delivery rules of the agent: a call id starts at most once, and every start ends in one result that is kept until it is settled. */
export type Calls = {
  handle(
    message:
      | Extract<FromBroker, { kind: 'call' | 'call.cancel' | 'call.settled' | 'call.ask' | 'output.pull' }>
      | ModuleMessage
      | ContentMessage,
  ): Promise<void>
  /** Takes no more calls, ends those that run, and resolves when their results are in the ring. */
  stop(): Promise<void>
}

type Entry = {
  readonly call: Call
  readonly found: Found
  readonly reads: boolean
  readonly controller: AbortController
  /** Bytes of the ring that are kept for its result. */
  readonly room: number
  phase: 'journalling' | 'waiting' | 'running' | 'ending'
  /** Its acknowledgement waits for the end of this turn: a result that is there by then says both. */
  ackDue: boolean
  /** Of its end, while the log waits for the end of this turn: the result goes first, somebody waits for it. */
  told?: { readonly state: string; readonly ms: number }
}

const isAboutContent = (message: ModuleMessage | ContentMessage): message is ContentMessage =>
  message.kind.startsWith('file.')

/** An operation of a module may be called as one of the catalogue that leaves no process; after a crash they must differ. */
const journalledAs = ({ operation, module }: Call): string =>
  module === undefined ? operation : `${operation}@${module.slice(0, 8)}`

/** Journals, runs and answers calls. */
export const makeCalls = (deps: CallsDeps): Calls => {
  const { catalogue, journal, ring, outbox, log } = deps
  const live = new Map<Id, Entry>()
  const waiting: Entry[] = []
  let running = 0
  let stopping = false
  const idle = Promise.withResolvers<void>()

  const refuse = (call: Call, result: CallResult): void => {
    // Nothing started and nothing is journalled: when this answer is lost the broker asks, and hears `unknown`.
    log.info('call refused', { call: call.id, requestId: call.requestId, result })
    outbox.control({ kind: 'call.result', body: { id: call.id, ms: 0, result } })
  }
  const rejected = (call: Call, message: string): void =>
    refuse(call, {
      ok: false,
      failure: { kind: 'rejected', message, step: call.operation, callId: call.id, transport: 'zmq', started: 'no' },
    })
  const notRun = (call: Call, kind: 'cancelled' | 'rejected', message: string): CallResult => ({
    ok: false,
    failure: { kind, message, step: call.operation, callId: call.id, transport: 'zmq', started: 'no' },
  })

  const end = async (entry: Entry, result: CallResult, ms: number): Promise<void> => {
    const { call } = entry
    entry.phase = 'ending'
    const state = result.ok ? 'ok' : result.failure.kind
    try {
      await ring.put({ id: call.id, ms, result }, entry.room, !entry.reads)
      if (state === 'lost') journal.append({ t: 'lost', id: call.id })
      else if (entry.reads) journal.appendLazily({ t: 'end', id: call.id, state })
      else journal.append({ t: 'end', id: call.id, state })
    } catch (error) {
      log.error('the disk refuses a result; it is sent all the same', {
        call: call.id,
        requestId: call.requestId,
        why: errorText(error),
      })
    }
    live.delete(call.id)
    outbox.result(call.id, entry.ackDue)
    entry.told = { state, ms: Math.round(ms) }
    if (!entry.ackDue) setImmediate(endOfTurn, entry)
    entry.ackDue = false
    if (stopping && live.size === 0) idle.resolve()
  }
  const run = async (entry: Entry): Promise<void> => {
    const { call, controller } = entry
    entry.phase = 'running'
    running += 1
    const from = nowMs()
    const memoryMax = call.module === undefined ? deps.policy.commandMemoryBytesMax() : undefined
    const watches: Promise<() => void>[] = []
    const onSpawn = (pid: number): void => {
      if (memoryMax !== undefined)
        watches.push(deps.memory().then(watch => watch(pid, memoryMax, () => controller.abort('memory'))))
      try {
        journal.append({ t: 'spawn', id: call.id, pid, since: processSince(pid) })
      } catch (error) {
        log.warn('the disk refuses the note of a process', { call: call.id, why: errorText(error) })
      }
    }
    const talk = async () => (await deps.contents()).talkOf(call.id, controller.signal)
    const result = await execute(entry.found, call, controller, { onSpawn, outputs: deps.outputs, talk })
    for (const watch of watches) void watch.then(stop => stop())
    running -= 1
    await end(entry, result, nowMs() - from)
    startWaiting()
  }
  const endOfTurn = (entry: Entry): void => {
    const { call, told, ackDue } = entry
    entry.ackDue = false
    if (ackDue) outbox.control({ kind: 'call.acked', body: { id: call.id, running: true } })
    if (told) log.info('call ended', { call: call.id, requestId: call.requestId, op: call.operation, ...told })
  }
  const startWaiting = (): void => {
    while (running < deps.slots) {
      const entry = waiting.shift()
      if (!entry) return
      if (entry.phase !== 'waiting') continue
      outbox.control({ kind: 'call.running', body: { id: entry.call.id } })
      void run(entry)
    }
  }

  /** Answers a call id that is known by what became of it; `false` when it is new. */
  const answerKnown = (call: Call): boolean => {
    const { id } = call
    const entry = live.get(id)
    const known = journal.of(id)
    if (entry) {
      if (entry.phase !== 'journalling')
        outbox.control({ kind: 'call.acked', body: { id, running: entry.phase !== 'waiting' } })
    } else if (ring.has(id)) outbox.result(id)
    else if (known?.state === 'void') rejected(call, 'this call id was declared void')
    else if (known) outbox.control({ kind: 'call.report', body: { calls: [{ id, state: 'finished' }] } })
    else return false
    return true
  }
  /** Makes the call ours: room in the ring, a line in the journal. Answers why not. */
  const take = (call: Call, room: number): string | null => {
    if (stopping) return 'the agent is stopping'
    if (live.size >= wireLimits.callsPerAgentMax) return `queue-full: ${live.size} calls wait or run here`
    if (!ring.reserve(room)) return 'ring-full: no room to keep its result until it is settled'
    try {
      journal.append({ t: 'start', id: call.id, op: journalledAs(call), at: Date.now() })
    } catch (error) {
      ring.release(room)
      return `the journal cannot be written: ${errorText(error)}`
    }
    return null
  }
  const optimiseWhenBusy = makeCompilerSwitch()
  const accept = async (call: Call): Promise<void> => {
    optimiseWhenBusy()
    if (!deps.startsAgain && answerKnown(call)) return
    const { operation, module } = call
    const rule = deps.policy.refusal({ operation, module })
    if (rule !== null) return rejected(call, rule)
    // Nothing is awaited for the catalogue's: the same id, sent twice, must find itself in the journal.
    const found =
      module === undefined ? findOperation(catalogue, call) : await (await deps.live()).find({ ...call, module })
    if (module !== undefined && answerKnown(call)) return // it came again while its module did, or was declared void
    if ('ok' in found) return refuse(call, found)
    const refusal = refusalOf(found, call)
    if (refusal) return refuse(call, refusal)
    const room = resultBytesMax(call)
    const why = take(call, room)
    if (why !== null) return rejected(call, why)
    const { reads } = found
    const controller = new AbortController()
    const entry: Entry = { call, found, reads, controller, room, phase: 'journalling', ackDue: false }
    live.set(call.id, entry)
    if (!reads) {
      try {
        await journal.synced()
      } catch (error) {
        return end(entry, notRun(call, 'rejected', `the journal cannot be synced: ${errorText(error)}`), 0)
      }
    }
    if (stopping) return end(entry, notRun(call, 'rejected', 'the agent is stopping'), 0)
    if (entry.controller.signal.aborted) return end(entry, notRun(call, 'cancelled', 'cancelled before it started'), 0)
    const starts = running < deps.slots
    // Only what reads may begin before its acknowledgement is on the wire: done twice, it does no harm.
    entry.ackDue = reads && starts
    if (entry.ackDue) setImmediate(endOfTurn, entry)
    else outbox.control({ kind: 'call.acked', body: { id: call.id, running: starts } })
    if (starts) void run(entry)
    else {
      entry.phase = 'waiting'
      waiting.push(entry)
    }
  }

  const abort = (entry: Entry, reason: AbortReason): void => {
    if (entry.phase === 'waiting') {
      waiting.splice(waiting.indexOf(entry), 1)
      const result =
        reason === 'cancelled'
          ? notRun(entry.call, 'cancelled', 'cancelled while it waited')
          : notRun(entry.call, 'rejected', 'the agent stopped before it started')
      void end(entry, result, 0)
    } else if (entry.phase !== 'ending') entry.controller.abort(reason)
  }
  const liveState = (id: Id): 'waiting' | 'running' | undefined => {
    const entry = live.get(id)
    return entry && (entry.phase === 'waiting' || entry.phase === 'journalling' ? 'waiting' : 'running')
  }
  const { report, settle } = makeReports({ journal, ring, outbox, liveState })
  const cancel = async (id: Id): Promise<void> => {
    const entry = live.get(id)
    if (entry) return abort(entry, 'cancelled')
    if (ring.has(id)) return outbox.result(id)
    await report([id])
  }
  const handleOther = async (message: Exclude<Parameters<Calls['handle']>[0], { kind: 'call' }>): Promise<void> => {
    if (message.kind === 'call.cancel') await cancel(message.body.id)
    else if (message.kind === 'call.ask') await report(message.body.ids, message.body.again)
    else if (message.kind === 'call.settled') settle(message.body.ids)
    else if (message.kind === 'output.pull') deps.pull(message.body)
    else if (isAboutContent(message)) (await deps.contents()).handle(message)
    else (await deps.live()).handle(message)
  }
  return {
    handle: message => {
      if (message.kind !== 'call') return handleOther(message)
      if (message.body.settled) settle(message.body.settled)
      return accept(message.body)
    },
    stop: async () => {
      stopping = true
      if (live.size === 0) return
      for (const entry of live.values()) abort(entry, 'stopping')
      await idle.promise
    },
  }
}

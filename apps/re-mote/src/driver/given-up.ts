import { newId } from '@re-ops/protocols'
import type { CallSays } from '../broker/words.ts'
import { makeBatcher } from '../services/batcher.ts'
import { dropGivenUp, findGivenUp, type GivenUp } from '../store/given-up.ts'
import type { DriverDeps } from './deps.ts'
import { driverLimits } from './limits.ts'
import type { ActiveCall } from './types.ts'

export type GivenUps = {
  /** It has ended, and its row is there: its host is asked now, or when it says hello. */
  note(call: GivenUp): void
  /** What the host is to be asked in a session that begins. */
  questions(host: string): readonly CallSays[]
  /** The host has said what becomes of it. Answers what was asked; undefined: nobody asks about it. */
  answered(host: string, id: string): GivenUp | undefined
  /** Takes up those of earlier processes, and of services that are no more. */
  load(): Promise<void>
  drained(): Promise<void>
}

/**
 * Calls that ended `lost` while nobody could say what their hosts do with them. An agent may never have had such a call, or begin it after all: it is
 * asked until it has answered, and what it does not know it declares void for good. The rows outlive this process; in it their number is bounded.
 */
export const makeGivenUps = (deps: Pick<DriverDeps, 'log' | 'pool' | 'epochOf' | 'send'>): GivenUps => {
  const { log, pool, epochOf, send } = deps
  const byHost = new Map<string, Map<string, GivenUp>>()
  let size = 0
  const answers = makeBatcher<GivenUp>({
    name: 'answers about calls that were given up',
    log,
    itemsMax: driverLimits.batchItemsMax,
    newBatchId: newId,
    flush: async batch => {
      await dropGivenUp(pool, batch)
      return () => undefined
    },
    onRefused: () => undefined,
  })
  /** False when it is asked about already, or there is no room: then the next process that starts finds its row. */
  const keep = (call: GivenUp): boolean => {
    const there = byHost.get(call.host) ?? new Map<string, GivenUp>()
    const isFull = size >= driverLimits.givenUpMax || there.size >= driverLimits.givenUpPerHostMax
    if (isFull || there.has(call.id)) return false
    byHost.set(call.host, there.set(call.id, call))
    size += 1
    return true
  }
  const note = (call: GivenUp): void => {
    if (!keep(call)) return
    const epoch = epochOf(call.host)
    if (epoch !== undefined) send(call.host, epoch, questionsOf([call]))
  }
  return {
    note,
    questions: host => questionsOf([...(byHost.get(host)?.values() ?? [])]),
    answered: (host, id) => {
      const there = byHost.get(host)
      const call = there?.get(id)
      if (!there || !call) return undefined
      there.delete(id)
      if (there.size === 0) byHost.delete(host)
      size -= 1
      answers.put(call)
      return call
    },
    load: async () => (await findGivenUp(pool, driverLimits.givenUpMax)).forEach(note),
    drained: answers.drained,
  }
}

/** A cancel asks too: what the agent does not know it declares void, what it runs it ends. */
const questionsOf = (calls: readonly GivenUp[]): CallSays[] => {
  const ids = calls.flatMap(({ id, cancel }) => (cancel ? [] : [id]))
  const cancels = calls.flatMap(({ id, cancel }) => (cancel ? [{ kind: 'call.cancel' as const, body: { id } }] : []))
  return ids.length === 0 ? cancels : [...cancels, { kind: 'call.ask', body: { ids } }]
}

/**
 * The call as one that is given up, if it ends so: sent, and lost without a word of its host. One that was acknowledged needs no question, its agent
 * has journalled it and tells its end by itself; unless it was being cancelled, and still has to be ended.
 */
export const givenUpIn = (call: ActiveCall, state: string): GivenUp | null => {
  const { id, target, step, transport, handed, answered, ackedAt } = call
  const { host, run } = target
  const acked = ackedAt !== null
  if (state !== 'lost' || transport !== 'zmq' || !handed || answered || (acked && !run.cancelled)) return null
  return { id, host, step, acked, cancel: run.cancelled }
}

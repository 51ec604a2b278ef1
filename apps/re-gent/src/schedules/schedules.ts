import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { jsonBytes, type Outputs } from '@re-ops/outputs'
import {
  newId,
  sampleLimits,
  schedulesSet,
  type AgentSchedule,
  type CallResult,
  type FromBroker,
} from '@re-ops/protocols'
import type { Static } from 'typebox'
import { Check } from 'typebox/value'
import { nowMs } from '../clock.ts'
import { writeAtomic } from '../durable.ts'
import { execute } from '../execute/execute.ts'
import { findOperation, refusalOf, type Call, type Catalogue } from '../execute/found.ts'
import { errorText, type Log } from '../log.ts'
import type { Outbox } from '../outbox.ts'
import type { PolicyKeeper } from '../policy.ts'
import { openSamples } from './samples.ts'

export type SchedulesDeps = {
  readonly state: string
  readonly log: Log
  readonly catalogue: Catalogue
  readonly policy: PolicyKeeper
  readonly outbox: Outbox
  readonly outputs: Outputs
  /** Whether there is a session now. */
  isLive(): boolean
}
/** What this host samples by itself, whether anybody listens or not. */
export type Schedules = {
  handle(message: Extract<FromBroker, { kind: 'schedules.set' | 'samples.taken' }>): void
  onSession(isLive: boolean): void
  close(): void
}

type Held = Static<typeof schedulesSet.body>
const none: Held = { hash: '0'.repeat(16), schedules: [] }

/** What was said last; a file that cannot be read counts as none, and the broker says it again. */
const load = (path: string, log: Log): Held => {
  if (!existsSync(path)) return none
  try {
    const held: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (Check(schedulesSet.body, held)) return held
    log.warn('the schedules are damaged; the broker is asked for them', { path })
  } catch (error) {
    log.warn('the schedules cannot be read; the broker is asked for them', { why: errorText(error) })
  }
  return none
}

/** Said again when nothing was taken: a commit may take its time. */
const againMs = 10_000

export const makeSchedules = (deps: SchedulesDeps): Schedules => {
  const { state, log, catalogue, policy, outbox } = deps
  const path = join(state, 'schedules.json')
  const samples = openSamples(join(state, 'samples'))
  const timers = new Map<string, NodeJS.Timeout>()
  const busy = new Map<string, AbortController>()
  let held = load(path, log)
  let closed = false
  let underWay: { readonly upTo: number; readonly timer: NodeJS.Timeout } | null = null

  const deliver = (): void => {
    if (!deps.isLive() || closed || underWay !== null) return
    const batch = samples.next()
    const upTo = batch.at(-1)?.seq
    if (upTo === undefined) return
    underWay = { upTo, timer: setTimeout(again, againMs) }
    outbox.control({ kind: 'samples', body: { series: samples.series, samples: [...batch] } })
  }
  const settle = (): void => {
    clearTimeout(underWay?.timer)
    underWay = null
  }
  const again = (): void => {
    settle()
    deliver()
  }
  const keep = (schedule: AgentSchedule, at: number, ms: number, result: CallResult): void => {
    if (closed || !timers.has(schedule.id)) return // it was taken away meanwhile
    const said = result.ok
      ? { value: result.value }
      : { failure: `${result.failure.kind}: ${result.failure.message}`.slice(0, 512) }
    try {
      samples.add({ schedule: schedule.id, at, ms, ...said })
    } catch (error) {
      log.warn('the disk refuses a sample', { schedule: schedule.id, why: errorText(error) })
    }
    deliver()
  }
  const rejected = (call: Call, message: string): CallResult => ({
    ok: false,
    failure: { kind: 'rejected', message, step: call.operation },
  })
  const once = async (call: Call, controller: AbortController): Promise<CallResult> => {
    const rule = policy.refusal({ operation: call.operation })
    if (rule !== null) return rejected(call, rule)
    const found = findOperation(catalogue, call)
    if ('ok' in found) return found
    if (!found.reads) return rejected(call, `${call.operation} does more than read`)
    return (
      refusalOf(found, call) ?? execute(found, call, controller, { onSpawn: () => undefined, outputs: deps.outputs })
    )
  }
  const sample = async (schedule: AgentSchedule): Promise<void> => {
    if (busy.has(schedule.id)) return // the last one still runs; it is not done twice at a time
    const controller = new AbortController()
    busy.set(schedule.id, controller)
    const { operation, input, timeoutMs } = schedule
    const outputBytesMax = sampleLimits.valueBytesMax / 2
    const call: Call = { id: newId(), operation, input, timeoutMs, outputBytesMax, requestId: schedule.id }
    const [at, from] = [Date.now(), nowMs()]
    const result = await once(call, controller)
    busy.delete(schedule.id)
    const bytes = result.ok ? jsonBytes(result.value) : 0
    const fits = bytes <= sampleLimits.valueBytesMax
    const tooBig = rejected(
      call,
      `the value has ${bytes} bytes; at most ${sampleLimits.valueBytesMax} are kept of a sample`,
    )
    keep(schedule, at, Math.round((nowMs() - from) * 100) / 100, fits ? result : tooBig)
  }
  const stop = (id: string): void => {
    clearInterval(timers.get(id))
    timers.delete(id)
    busy.get(id)?.abort('cancelled')
  }
  const begin = (schedule: AgentSchedule): void => {
    const work = () =>
      void sample(schedule).catch((error: unknown) => log.error('a sample has a fault', { why: errorText(error) }))
    timers.set(schedule.id, setInterval(work, schedule.everyMs))
    work()
  }
  const set = (next: Held): void => {
    for (const { id } of held.schedules) if (!next.schedules.some(one => one.id === id)) stop(id)
    const known = new Set(held.schedules.map(one => one.id))
    held = next
    for (const schedule of next.schedules) if (!known.has(schedule.id)) begin(schedule)
    log.info('schedules', { hash: next.hash, schedules: next.schedules.length })
    if (next.schedules.length === 0) rmSync(path, { force: true })
    else
      writeAtomic(path, JSON.stringify(next)).catch((error: unknown) =>
        log.error('the schedules cannot be kept', { why: errorText(error) }),
      )
  }
  for (const schedule of held.schedules) begin(schedule)
  return {
    handle: message => {
      if (message.kind === 'schedules.set') return set(message.body)
      if (message.body.series !== samples.series) return
      samples.taken(message.body.upTo)
      if (underWay && message.body.upTo >= underWay.upTo) again()
    },
    onSession: live => {
      settle()
      if (!live) return
      if (held.schedules.length > 0) outbox.control({ kind: 'schedules.held', body: { hash: held.hash } })
      deliver()
    },
    close: () => {
      closed = true
      settle()
      for (const id of timers.keys()) stop(id)
      samples.close()
    },
  }
}

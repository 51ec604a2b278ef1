import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { callClasses, ProviderError, type CallClass, type Limiter, type LimitSpec } from '@re-ops/protocols'
import type { Sql } from '../store/sql.ts'
import {
  blockBucket,
  classStepMs,
  ensureBucket,
  leaveBucket,
  lowerBucket,
  takeFromBucket,
  type BucketKey,
} from './bucket.ts'

export type LimiterDeps = {
  readonly sql: Sql
  readonly log: { warn(fields: object, text: string): void }
  readonly now?: () => number
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** A call waits here no longer than this; after that its job is put off, which costs nothing. */
const waitMsMax = 5_000
/** Nor is it put off for longer than twice this for the sake of others: they may change their minds. */
const putOffMs = 30_000
const atOnceMax = 32
/** What others used meanwhile is heard of with the next refusal; a small difference is our own calls under way. */
const slack = 20

type Waiting = {
  readonly callClass: CallClass
  readonly since: number
  readonly signal: AbortSignal
  readonly go: () => void
  readonly giveUp: (error: ProviderError) => void
}

const giveUp = (family: string, retryAfterMs: number): ProviderError =>
  new ProviderError('throttled', 'not-applied', `waiting for a turn: the limit on ${family} calls is used up`, {
    retryAfterMs: Math.ceil(retryAfterMs),
  })

/** Who goes first of one process, by the same rule as between processes: class, then who came first. */
const inOrder = (all: readonly Waiting[]): readonly Waiting[] => {
  const due = (one: Waiting) => one.since + callClasses.indexOf(one.callClass) * classStepMs
  return all.toSorted((a, b) => due(a) - due(b))
}

/** One bucket as this process uses it: those who wait stand in one line, and one of them asks the database for all. */
const makeLine = (deps: Required<LimiterDeps>, key: BucketKey, spec: LimitSpec) => {
  const { sql, log, now, sleep } = deps
  const waiter = randomUUID()
  let waiting: Waiting[] = []
  let running = false
  let ensured: Promise<void> | null = null
  let left = spec.burst
  /** Whether others wait for us. */
  let isKnown = false

  const leave = (ones: readonly Waiting[]): void => {
    waiting = waiting.filter(one => !ones.includes(one))
  }
  const ask = async (head: Waiting, count: number) => {
    ensured ??= ensureBucket(sql, key, spec)
    await ensured
    const wish = { waiter, callClass: head.callClass, ageMs: now() - head.since, count }
    const verdict = await takeFromBucket(sql, key, wish)
    if (verdict === null) throw new Error(`there is no bucket ${key.account} ${key.region} ${key.family}`)
    left = verdict.left
    isKnown = verdict.granted === 0
    return verdict
  }
  /**
   * Those who will not get their turn in time go away now, each until about when it would be: hundreds that wait for the
   * same bucket do not come back together.
   */
  const dismiss = (waitMs: number): void => {
    const turns = inOrder(waiting).map((one, at) => ({ one, inLineMs: (at * 1_000) / spec.perSecond }))
    const late = turns.filter(({ one, inLineMs }) => now() - one.since + waitMs + inLineMs > waitMsMax)
    leave(late.map(({ one }) => one))
    for (const { one, inLineMs } of late)
      one.giveUp(giveUp(key.family, waitMs + Math.min(inLineMs, putOffMs + (inLineMs % putOffMs))))
  }
  const turn = async (head: Waiting): Promise<void> => {
    const alike = waiting.filter(one => one.callClass === head.callClass).slice(0, atOnceMax)
    const { granted, waitMs } = await ask(head, alike.length)
    const going = alike.filter(one => waiting.includes(one)).slice(0, granted)
    leave(going)
    for (const one of going) one.go()
    if (granted > 0) return
    dismiss(waitMs)
    if (waiting.length > 0) await sleep(Math.min(waitMs, 1_000), head.signal).catch(() => null)
  }
  const run = async (): Promise<void> => {
    if (running) return
    running = true
    try {
      for (let [head] = inOrder(waiting); head !== undefined; [head] = inOrder(waiting)) await turn(head)
      if (isKnown) await leaveBucket(sql, key, waiter)
      isKnown = false
    } catch (error) {
      ensured = null
      const message = `the limits of calls cannot be read: ${(error as Error).message}`
      for (const one of waiting.splice(0)) one.giveUp(new ProviderError('transient', 'not-applied', message))
    }
    running = false
    // Somebody may have come while the line was being closed.
    if (waiting.length > 0) await run()
  }
  const take = (callClass: CallClass, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const onAbort = () => {
        leave([one])
        reject(giveUp(key.family, 1_000))
      }
      const done =
        <A>(end: (value: A) => void) =>
        (value: A) => {
          signal.removeEventListener('abort', onAbort)
          end(value)
        }
      const one: Waiting = { callClass, since: now(), signal, go: done<void>(resolve), giveUp: done(reject) }
      if (signal.aborted) return reject(giveUp(key.family, 1_000))
      signal.addEventListener('abort', onAbort, { once: true })
      waiting.push(one)
      void run()
    })
  const tell = async (what: Parameters<Limiter['told']>[1]): Promise<void> => {
    const { throttled, remaining, retryAfterMs } = what
    if (throttled === true) await blockBucket(sql, key, retryAfterMs === undefined ? {} : { retryAfterMs })
    else if (remaining !== undefined && remaining < left - slack) await lowerBucket(sql, key, { remaining })
  }
  return {
    take,
    told: (what: Parameters<Limiter['told']>[1]): void =>
      void tell(what).catch((error: unknown) =>
        log.warn(
          { ...key, error: (error as Error).message },
          'what the provider said of its limit was not written down',
        ),
      ),
  }
}

/** The limits of one account in one region, shared with every replica on the same Postgres. */
export const makeLimiter = (
  deps: LimiterDeps,
  { account, region, specs }: { account: string; region: string; specs: readonly LimitSpec[] },
): Limiter => {
  const all = { now: Date.now, sleep: (ms: number, signal: AbortSignal) => pause(ms, null, { signal }), ...deps }
  const lines = new Map(
    specs.map(spec => {
      const key = { account, region: spec.scope === 'account' ? '*' : region, family: spec.family }
      return [spec.family, makeLine(all, key, spec)] as const
    }),
  )
  const line = (family: string) => {
    const one = lines.get(family)
    if (one === undefined) throw new ProviderError('bug', 'not-applied', `there is no limit named ${family}`)
    return one
  }
  return {
    take: async (family, callClass, signal) => line(family).take(callClass, signal),
    told: (family, what) => line(family).told(what),
  }
}

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId, type CallResult } from '@re-ops/protocols'
import { makeLog, type Pool } from '@re-ops/service'
import type { CallSays } from '../broker/words.ts'
import { findGivenUp, noteGivenUp, type GivenUp } from '../store/given-up.ts'
import { makeExchange, type ExchangeDeps } from './exchange.ts'
import { makeFlights } from './flights.ts'
import { givenUpIn, makeGivenUps } from './given-up.ts'
import { driverLimits } from './limits.ts'
import type { ActiveCall } from './types.ts'
import { migratedDatabase, type MigratedDatabase } from '../testing/migrated.ts'

const log = makeLog({ service: 'test', level: 'silent' })
let database: MigratedDatabase
let pool: Pool
beforeAll(async () => {
  database = await migratedDatabase()
  pool = database.pool
})
afterAll(async () => {
  await database.close()
})

const callOf = (more: Partial<GivenUp> = {}): GivenUp => ({
  id: newId(),
  host: newId(),
  step: 'shell',
  acked: false,
  cancel: false,
  ...more,
})
/** One process: what it knows of given-up calls, what it says to hosts, and what it keeps of what they say. */
const startDriver = (live: ReadonlySet<string> = new Set()) => {
  const said: { readonly host: string; readonly message: CallSays }[] = []
  const lates: { readonly id: string; readonly result: CallResult }[] = []
  const unclaimed: string[] = []
  const send = (host: string, _: number, messages: readonly CallSays[]) =>
    void said.push(...messages.map(message => ({ host, message })))
  const epochOf = (host: string) => (live.has(host) ? 1 : undefined)
  const givenUps = makeGivenUps({ log, pool, epochOf, send })
  const exchange = makeExchange({
    log,
    epochOf,
    send,
    givenUps,
    flights: makeFlights(() => undefined),
    lates: { put: (late: (typeof lates)[number]) => void lates.push(late) },
    onUnclaimed: (reason: string) => void unclaimed.push(reason),
  } as unknown as ExchangeDeps)
  const report = (host: string, id: string, state: 'unknown' | 'running') =>
    exchange.onHeard(host, { kind: 'call.report', body: { calls: [{ id, state }] } })
  return { said, lates, unclaimed, givenUps, exchange, report }
}
const asked = (id: string) => ({ kind: 'call.ask', body: { ids: [id] } })

test('a call is given up when it was sent and ended lost without a word of its host', () => {
  const run = { cancelled: false }
  const sent = { id: 'c', target: { host: 'h', run }, step: 's', transport: 'zmq', handed: true, ackedAt: null }
  const given = (more: object, state = 'lost') => givenUpIn({ ...sent, ...more } as unknown as ActiveCall, state)
  expect(given({})).toEqual({ id: 'c', host: 'h', step: 's', acked: false, cancel: false })
  expect(given({}, 'unreachable')).toBeNull()
  expect(given({ handed: false })).toBeNull()
  expect(given({ transport: 'ssh' })).toBeNull()
  expect(given({ answered: true })).toBeNull()
  const acked = { ackedAt: new Date().toISOString() }
  expect(given(acked)).toBeNull() // its agent has it in the journal
  const target = { host: 'h', run: { cancelled: true } }
  expect(given({ ...acked, target })).toMatchObject({ acked: true, cancel: true })
})

test('a host that is there is asked at once, one that is away when it says hello, until it has answered', async () => {
  const [here, away] = [callOf(), callOf()]
  const { said, exchange, givenUps, report, lates, unclaimed } = startDriver(new Set([here.host]))
  await noteGivenUp(pool, [here, away])
  givenUps.note(here)
  givenUps.note(away)
  expect(said).toEqual([{ host: here.host, message: asked(here.id) }])
  exchange.onLive(away.host, 1)
  exchange.onLive(away.host, 2) // the answer did not come in the first session
  expect(said.slice(1).map(one => one.message)).toEqual([asked(away.id), asked(away.id)])
  report(away.host, here.id, 'unknown') // of another host: nobody asked that one
  expect({ unclaimed, lates }).toEqual({ unclaimed: ['unknown'], lates: [] })
  report(away.host, away.id, 'unknown')
  report(here.host, here.id, 'running') // its result will come
  const failure = { kind: 'unreachable', started: 'no', callId: away.id, step: 'shell' }
  expect(lates).toMatchObject([{ id: away.id, host: away.host, result: { ok: false, failure } }])
  exchange.onLive(away.host, 3)
  expect(said).toHaveLength(3)
  report(away.host, away.id, 'unknown')
  expect(unclaimed).toEqual(['unknown', 'unknown'])
  await givenUps.drained()
  expect(await findGivenUp(pool, 10)).toEqual([])
})

test('the next process asks what the last one did not hear, and a late result is an answer', async () => {
  const [here, away] = [callOf(), callOf()]
  await noteGivenUp(pool, [here, away])
  await noteGivenUp(pool, [here]) // again, after a lost connection
  const next = startDriver(new Set([here.host]))
  await next.givenUps.load()
  await next.givenUps.load() // another service is gone meanwhile
  expect(next.said).toEqual([{ host: here.host, message: asked(here.id) }])
  const result: CallResult = { ok: true, value: 1 }
  next.exchange.onHeard(away.host, { kind: 'call.result', body: { id: away.id, ms: 1, result } })
  expect(next.lates).toMatchObject([{ id: away.id, result }])
  expect(next.givenUps.questions(away.host)).toEqual([])
  await next.givenUps.drained()
  expect((await findGivenUp(pool, 10)).map(({ id }) => id)).toEqual([here.id])
})

test('what was being cancelled is cancelled when its host is back; an acknowledged call is never said not to have begun', () => {
  const { said, exchange, givenUps, report, lates } = startDriver()
  const call = callOf({ acked: true, cancel: true })
  givenUps.note(call)
  exchange.onLive(call.host, 1)
  expect(said.map(one => one.message)).toEqual([{ kind: 'call.cancel', body: { id: call.id } }])
  report(call.host, call.id, 'unknown')
  expect(lates).toEqual([])
})

test('of one host only so many are remembered', () => {
  const { givenUps } = startDriver()
  const host = newId()
  for (let n = 0; n < driverLimits.givenUpPerHostMax + 5; n += 1) givenUps.note(callOf({ host }))
  const [question] = givenUps.questions(host) as Extract<CallSays, { kind: 'call.ask' }>[]
  expect(question?.body.ids).toHaveLength(driverLimits.givenUpPerHostMax)
})

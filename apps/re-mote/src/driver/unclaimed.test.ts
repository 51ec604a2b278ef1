import { expect, test } from '@jest/globals'
import { fromBroker, newId, type CallResult } from '@re-ops/protocols'
import type { Log, Pool } from '@re-ops/service'
import type { CallSays } from '../broker/words.ts'
import type { Unclaimed } from './deps.ts'
import { makeExchange, type ExchangeDeps } from './exchange.ts'
import { makeFlights } from './flights.ts'
import { makeLates } from './lates.ts'
import { driverLimits } from './limits.ts'
import { makeSettle } from './settle.ts'
import type { ActiveCall } from './types.ts'

const nothing = () => undefined
const ok = (value: unknown): CallResult => ({ ok: true, value })

test('settled results are told in messages that the wire allows, however many they are', async () => {
  const told: CallSays[] = []
  const all = Promise.withResolvers<void>()
  const ids = Array.from({ length: 2 * driverLimits.settledIdsMax + 1 }, newId)
  let count = 0
  const { settle } = makeSettle({
    epochOf: () => 1,
    settleBeforeCommit: false,
    send: (_host, _epoch, messages) => {
      for (const one of messages) {
        told.push(one)
        count += one.kind === 'call.settled' ? one.body.ids.length : 0
      }
      if (count === ids.length) all.resolve()
    },
  })
  settle(ids.map(id => ({ host: 'a', id })))
  await all.promise
  const heard = told.map(({ kind, body }) => fromBroker.decode(fromBroker.encode(kind, body)).kind)
  expect(heard).toEqual(['call.settled', 'call.settled', 'call.settled'])
})

test('late results that wait for a database that does not answer have a limit in memory', () => {
  const counts: Record<string, number> = {}
  const lates = makeLates(
    {
      log: {} as Log,
      pool: { query: () => new Promise(nothing) } as unknown as Pool,
      forward: () => false,
      claim: () => false,
      onUnclaimed: reason => (counts[reason] = (counts[reason] ?? 0) + 1),
    },
    nothing,
  )
  const chars = 1024 * 1024
  const sent = 200
  const late = { host: 'a', ms: 1, result: ok('x'.repeat(chars)) }
  for (let at = 0; at < sent; at += 1) lates.put({ ...late, id: newId() })
  const fit = Math.floor(driverLimits.lateCharsMax / (chars + 100))
  expect(counts).toEqual({ late: fit, overflow: sent - fit })
})

test('a result whose service is not known yet is told to it when it is, and one that is under way here by then ends its call', async () => {
  const [theirs, ours] = [newId(), newId()]
  const told: string[] = []
  const claimed: string[] = []
  let [isKnown, isHere] = [false, false]
  const asked: string[][] = []
  const settledHere: unknown[] = []
  const lates = makeLates(
    {
      log: {} as Log,
      pool: {
        query: async (_text: string, [ids]: [string[]]) => {
          asked.push(ids)
          return { rows: ids.map(id => ({ id, owner: 'other' })) }
        },
      } as unknown as Pool,
      onUnclaimed: nothing,
      forward: (_owner, { id }) => isKnown && told.push(id) > 0,
      claim: ({ id }) => isHere && id === ours && claimed.push(id) > 0,
    },
    settled => void settledHere.push(...settled),
  )
  for (const id of [theirs, ours]) lates.put({ id, host: 'a', ms: 1, result: ok(1) })
  await lates.drained()
  lates.again() // still nobody
  await lates.drained()
  expect([told, claimed]).toEqual([[], []])
  ;[isKnown, isHere] = [true, true]
  lates.again()
  await lates.drained()
  expect([told, claimed]).toEqual([[theirs], [ours]])
  lates.again() // nothing is left
  await lates.drained()
  expect(asked.flat()).toHaveLength(6)
  expect(settledHere).toEqual([])
})

test('what an agent says of calls of others, or of nobody, is counted once a call and moves nothing', () => {
  const reasons: Unclaimed[] = []
  const warned: unknown[] = []
  const flights = makeFlights(nothing)
  const call = { id: newId(), target: { host: 'a', call: null, run: {} }, handed: true, state: 'sent' }
  flights.add(call as unknown as ActiveCall)
  const exchange = makeExchange({
    flights,
    log: { warn: (fields: unknown) => void warned.push(fields) },
    onUnclaimed: (reason: Unclaimed) => void reasons.push(reason),
    lates: { put: () => void reasons.push('late') },
    givenUps: { answered: () => undefined },
  } as unknown as ExchangeDeps)
  const result = (id: string) => ({ kind: 'call.result' as const, body: { id, ms: 1, result: ok(1) } })
  for (let times = 0; times < 50; times += 1) exchange.onHeard('b', result(call.id))
  exchange.onHeard('b', { kind: 'call.acked', body: { id: call.id, running: true } })
  exchange.onHeard('b', { kind: 'call.running', body: { id: newId() } })
  exchange.onHeard('b', result(newId()))
  const calls = [call.id, newId()].map(id => ({ id, state: 'lost' as const }))
  exchange.onHeard('b', { kind: 'call.report', body: { calls } })
  expect(reasons.slice(0, 51)).toEqual(Array.from({ length: 51 }, () => 'other-host'))
  expect(reasons.slice(51)).toEqual(['unknown', 'late', 'other-host', 'unknown'])
  expect(call.state).toBe('sent')
  expect(warned).toHaveLength(1) // the log is not theirs to fill
})

import { expect, test } from '@jest/globals'
import { newId, type CallResult } from '@re-ops/protocols'
import { makeFlights } from './flights.ts'
import { driverLimits } from './limits.ts'
import { makeSweep, type SweepDeps } from './sweep.ts'
import type { ActiveCall } from './types.ts'

const { sweepMs } = driverLimits
const callOf = (deadline: number, run: object = { cancelled: false, cancelsBy: Infinity }): ActiveCall =>
  ({
    id: newId(),
    target: { host: newId(), call: null, run },
    state: 'running',
    handed: true,
    timeoutMs: 10_000,
    deadline,
  }) as unknown as ActiveCall

const sweeping = (call: ActiveCall) => {
  const ended: CallResult[] = []
  const flights = makeFlights(() => undefined)
  flights.add(call)
  const mover = { endCall: (_: ActiveCall, result: CallResult) => void ended.push(result) }
  const deps = { epochOf: () => 1, flights, mover } as unknown as SweepDeps
  return { ended, sweep: makeSweep(deps, 0) }
}

test('a call without an answer ends lost at its deadline', () => {
  const { ended, sweep } = sweeping(callOf(10 * sweepMs))
  for (let turn = 1; turn < 10; turn += 1) sweep(turn * sweepMs)
  expect(ended).toEqual([])
  sweep(10 * sweepMs)
  expect(ended).toMatchObject([{ ok: false, failure: { kind: 'lost' } }])
})

test('the time that the computer stood still is no time in which an answer could come', () => {
  const { ended, sweep } = sweeping(callOf(10 * sweepMs))
  sweep(sweepMs)
  const woken = 2 * sweepMs + 20_000
  for (let turn = 0; turn < 8; turn += 1) sweep(woken + turn * sweepMs)
  expect(ended).toEqual([])
  sweep(woken + 8 * sweepMs)
  expect(ended).toMatchObject([{ ok: false, failure: { kind: 'lost' } }])
})

test('a call that is cancelled is not waited for as long as its own limit', () => {
  const { ended, sweep } = sweeping(callOf(1_000 * sweepMs, { cancelled: true, cancelsBy: 10 * sweepMs }))
  for (let turn = 1; turn < 10; turn += 1) sweep(turn * sweepMs)
  expect(ended).toEqual([])
  sweep(10 * sweepMs)
  const message = 'cancelled, and its host did not confirm it within 30 s'
  expect(ended).toMatchObject([{ ok: false, failure: { kind: 'lost', message } }])
})

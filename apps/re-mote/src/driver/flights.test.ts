import { expect, test } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { makeFlights } from './flights.ts'
import type { ActiveCall } from './types.ts'

const host = newId()
const callOf = (): ActiveCall =>
  ({ id: newId(), handed: false, inLine: false, target: { host, call: null } }) as unknown as ActiveCall

test('a call that ends gives the line one look, and one look only, when there is no room for anybody', () => {
  let looks = 0
  const flights = makeFlights(call => {
    looks += 1
    call.inLine = true
    flights.of(host)?.inLine.push(call)
  })
  const calls = [callOf(), callOf(), callOf()] as const
  for (const call of calls) flights.add(call)
  for (const call of calls.slice(1)) {
    call.inLine = true
    flights.of(host)?.inLine.push(call)
  }
  flights.remove(calls[0])
  expect(looks).toBe(2)
  expect(flights.of(host)?.inLine).toEqual([calls[1], calls[2]])
})

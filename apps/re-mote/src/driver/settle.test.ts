import { expect, test } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { driverLimits } from './limits.ts'
import { makeSettle, type Settling } from './settle.ts'

const start = () => {
  const told = new Map<string, readonly string[]>()
  const { promise, resolve } = Promise.withResolvers<void>()
  const settling: Settling = makeSettle({
    epochOf: host => (host === 'away' ? undefined : 1),
    settleBeforeCommit: false,
    send: (host, _epoch, [message]) => {
      told.set(host, message?.kind === 'call.settled' ? message.body.ids : [])
      resolve()
    },
  })
  return { ...settling, told, first: promise }
}

test('the next call to a host says along what is settled, once; a host without a call is told later', async () => {
  const { settle, along, told, first } = start()
  const [one, two, three] = [newId(), newId(), newId()]
  settle([
    { host: 'called', id: one },
    { host: 'called', id: two },
    { host: 'idle', id: three },
    { host: 'away', id: newId() },
  ])
  expect(along('called')).toEqual([one, two])
  expect(along('called')).toBeUndefined()
  expect(along('nobody')).toBeUndefined()
  await first
  expect([...told]).toEqual([['idle', [three]]])
})

test('more than a call may say is told in a message of its own', async () => {
  const { settle, along, told, first } = start()
  const ids = Array.from({ length: driverLimits.settledAlongMax + 1 }, newId)
  settle(ids.map(id => ({ host: 'busy', id })))
  expect(along('busy')).toBeUndefined()
  await first
  expect([...told]).toEqual([['busy', ids]])
})

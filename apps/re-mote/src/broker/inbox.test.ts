import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { makeInbox } from './inbox.ts'
import type { ServiceSays } from './port.ts'

const shape = { operation: 'ping', input: null, timeoutMs: 1000, outputBytesMax: 1024, requestId: 'r' }
const calls = (from: number, count: number): ServiceSays => ({
  kind: 'calls',
  shape,
  to: Array.from({ length: count }, (_, n) => ({ agent: 'a', epoch: 1, id: String(from + n) })),
})
const other = (id: string): ServiceSays => ({ kind: 'end', agent: id, reason: '', retry: true })
/** What an item says, one word a call. */
const words = (item: ServiceSays): string[] =>
  item.kind === 'calls' ? item.to.map(({ id }) => id) : item.kind === 'end' ? [item.agent] : []

test('little is taken in the turn in which it comes', () => {
  const taken: string[] = []
  const inbox = makeInbox(item => taken.push(...words(item)), 10)
  inbox([calls(0, 4), other('x'), calls(4, 3)])
  expect(taken).toEqual(['0', '1', '2', '3', 'x', '4', '5', '6'])
})

test('however it comes, all of it is taken once, in its order, and never too much in a turn', async () => {
  const batches = fc.array(fc.array(fc.nat({ max: 40 }), { maxLength: 6 }), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(batches, async sizes => {
      let [next, inTurn, most] = [0, 0, 0]
      const taken: string[] = []
      const inbox = makeInbox(item => {
        taken.push(...words(item))
        inTurn += words(item).length
        most = Math.max(most, inTurn)
      }, 10)
      const said: string[] = []
      for (const batch of sizes) {
        const items = batch.map(size => {
          const item = size % 5 === 0 ? other(`o${next}`) : calls(next, size)
          next += size + 1
          return item
        })
        said.push(...items.flatMap(words))
        inTurn = 0
        inbox(items)
        await new Promise(setImmediate)
      }
      for (let turns = 0; taken.length < said.length && turns < 1_000; turns += 1) {
        inTurn = 0
        await new Promise(setImmediate)
      }
      expect(taken).toEqual(said)
      expect(most).toBeLessThanOrEqual(20) // what was due, and what came in that turn
    }),
  )
})

import { expect, test } from '@jest/globals'
import type { Wire } from '@re-ops/re-gent/embedded'
import { makeRandom } from '../chaos/foundation/random.ts'
import { checkShares, type Shares } from './faults.ts'
import { makeFaultyLink } from './faulty-wire.ts'

const frame = (n: number, token = 'session') =>
  Buffer.from(JSON.stringify({ k: 'heartbeat', v: 1, t: token, b: { n } }))
const numberOf = (message: Buffer): number => (JSON.parse(message.toString()) as { b: { n: number } }).b.n
const sleepingFor = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** A connection in memory: what went out, and what comes in. */
const makeWire = () => {
  const sent: Buffer[] = []
  const coming: Buffer[] = []
  const state = { closed: false, wake: () => undefined as void }
  const wire: Wire = {
    send: message => {
      sent.push(Buffer.from(message))
      return Promise.resolve()
    },
    close: () => void (state.closed = true),
    receive: async () => {
      for (;;) {
        const next = coming.shift()
        if (next) return [next]
        await new Promise<void>(resolve => (state.wake = resolve))
      }
    },
  }
  return {
    wire,
    sent,
    state,
    come: (message: Buffer) => {
      coming.push(message)
      state.wake()
    },
  }
}

const setUp = (shares: Shares, seed = 1) => {
  const counts: Record<string, number> = {}
  const peer = makeWire()
  const link = makeFaultyLink({
    dial: () => peer.wire,
    random: makeRandom(seed),
    count: fault => (counts[fault] = (counts[fault] ?? 0) + 1),
    onSaid: () => undefined,
    onHeard: () => undefined,
  })
  link.shares(shares)
  const ends: string[] = []
  const wire = link.dial('', '', {} as never, why => ends.push(why))
  const heard: number[] = []
  const read = async () => {
    for (;;) for (const message of await wire.receive()) heard.push(numberOf(message))
  }
  void read()
  const all = Array.from({ length: 200 }, (_, n) => n)
  const sendAll = async () => {
    for (const n of all) await wire.send(frame(n))
    await sleepingFor(120)
    return peer.sent.map(numberOf)
  }
  return { ...peer, link, faulty: wire, counts, heard, ends, all, sendAll }
}

test('without faults every message passes, in order, both ways', async () => {
  const { sendAll, all, come, heard, counts } = setUp({})
  for (const n of all) come(frame(n))
  expect(await sendAll()).toEqual(all)
  expect(heard).toEqual(all)
  expect(counts).toEqual({})
})

test('each fault does what its name says, and is counted', async () => {
  const dropped = setUp({ drop: 0.2 })
  const left = await dropped.sendAll()
  expect(left).toHaveLength(200 - (dropped.counts['drop'] ?? 0))
  expect(dropped.counts['drop']).toBeGreaterThan(10)

  const doubled = setUp({ duplicate: 1 })
  expect(await doubled.sendAll()).toEqual(doubled.all.flatMap(n => [n, n]))

  for (const shares of [{ reorder: 0.3 }, { delay: 0.3, delayMs: 20 }] as const) {
    const mixed = setUp(shares)
    const got = await mixed.sendAll()
    expect(got.toSorted((a, b) => a - b)).toEqual(mixed.all)
    expect(got).not.toEqual(mixed.all)
  }

  const replayed = setUp({ replay: 0.3 })
  const again = await replayed.sendAll()
  expect(again).toHaveLength(200 + (replayed.counts['replay'] ?? 0))
  expect(new Set(again).size).toBe(200)

  const forged = setUp({ wrongToken: 1 })
  await forged.sendAll()
  const tokens = forged.sent.map(message => (JSON.parse(message.toString()) as { t: string }).t)
  expect(tokens.filter(token => token === 'session')).toHaveLength(200)
  expect(tokens.filter(token => token !== 'session')).toHaveLength(200)
})

test('the same seed gives the same faults', async () => {
  const [one, same, other] = await Promise.all([3, 3, 4].map(seed => setUp({ drop: 0.5 }, seed).sendAll()))
  expect(one).toEqual(same)
  expect(one).not.toEqual(other)
})

test('a direction spares the other', async () => {
  const { sendAll, all, come, heard } = setUp({ drop: 1, direction: 'in' })
  for (const n of all) come(frame(n))
  expect(await sendAll()).toEqual(all)
  expect(heard).toEqual([])
})

test('a cut link is told and closed; a half-open one stays and carries nothing', async () => {
  const cut = setUp({})
  cut.link.cut()
  expect([cut.ends, cut.state.closed]).toEqual([['cut'], true])

  const half = setUp({})
  half.link.halfOpen()
  half.come(frame(1))
  expect(await half.sendAll()).toEqual([])
  half.faulty.close()
  expect([half.heard, half.ends, half.state.closed]).toEqual([[], [], false])
})

test.each([
  [{ drops: 0.1 }, 'no fault drops'],
  [{ drop: 2 }, 'fault drop is 2; allowed: a number, 0 to 1'],
  [{ direction: 'up' }, 'allowed: in, out'],
])('%j is refused', (shares, why) => {
  expect(() => checkShares(shares as Shares)).toThrow(why)
})

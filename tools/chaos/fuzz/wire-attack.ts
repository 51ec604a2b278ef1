import { fromAgent, fromBroker, newId, wireLimits } from '@re-ops/protocols'
import type { Random } from '../foundation/random.ts'
import { mutatedBytes, mutatedJson, randomBytes } from './mutate.ts'
import { nastyTexts, nastyValue, withMarkers } from './nasty.ts'

/** What a hostile peer can know: recorded messages, its own token while it has a session, the ids of calls of others. */
export type Known = {
  readonly recorded: readonly Buffer[]
  readonly token: string | undefined
  readonly calls: readonly string[]
}
type Make = (known: Known, random: Random) => readonly Buffer[]

const text = (value: unknown): Buffer => Buffer.from(withMarkers(JSON.stringify(value)))
const parsed = (bytes: Buffer): Record<string, unknown> => JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
const withToken = (frame: Record<string, unknown>, token: string | undefined) =>
  token === undefined ? frame : { ...frame, t: token }
const someId = ({ calls }: Known, random: Random) =>
  calls.length > 0 && random.between(0, 1) === 1 ? random.pick(calls) : newId()

const kinds = [...fromAgent.messages, ...fromBroker.messages].map(one => one.kind)
/** More than the usual, less than what libzmq cuts the connection for. */
const bigBytes = [65_536, 300_000, wireLimits.messageBytesMax - 64] as const
const oneInBig = 3_000

const resultOf = (known: Known, random: Random) => {
  const failure = { kind: 'exit', message: random.pick(nastyTexts), step: random.pick(nastyTexts), code: 1 }
  return random.between(0, 1) === 1 ? { ok: true, value: nastyValue(random) } : { ok: false, failure }
}
const contentOf = (known: Known, random: Random) => ({
  call: someId(known, random),
  hash: randomBytes(32, random).toString('hex'),
})
const sampleOf = (random: Random) => ({
  schedule: newId(),
  seq: random.between(1, 9_999),
  n: random.between(1, 9_999),
  at: Date.now(),
  ms: 1,
  ...(random.between(0, 1) === 1 ? { value: nastyValue(random) } : { failure: random.pick(nastyTexts) }),
})
/** Well-formed messages of a session about calls that are not ours, or nobody's. */
const claims: readonly ((known: Known, random: Random) => unknown)[] = [
  (known, random) => ({ k: 'call.result', b: { id: someId(known, random), ms: 1, result: resultOf(known, random) } }),
  (known, random) => ({ k: 'call.acked', b: { id: someId(known, random), running: true } }),
  (known, random) => ({ k: 'call.running', b: { id: someId(known, random) } }),
  (known, random) => {
    const state = random.pick(['waiting', 'running', 'finished', 'lost', 'unknown'])
    const calls = Array.from({ length: random.between(0, 20) }, () => ({ id: someId(known, random), state }))
    return { k: 'call.report', b: { calls } }
  },
  (_, random) => ({ k: 'module.pull', b: { hash: randomBytes(32, random).toString('hex') } }),
  (known, random) => {
    const data = randomBytes(random.between(0, 300), random).toString('base64')
    const of = { id: someId(known, random), stream: random.pick(['stdout', 'stderr']) }
    return {
      k: 'output.chunk',
      b: { ...of, reader: random.between(0, 9), at: random.between(0, 99), data, end: 'whole' },
    }
  },
  (known, random) => ({ k: 'file.open', b: { ...contentOf(known, random), from: random.between(0, 9_999) } }),
  (known, random) => ({ k: 'file.pull', b: { ...contentOf(known, random), chunk: random.between(0, 99) } }),
  (known, random) => ({ k: 'file.offer', b: { ...contentOf(known, random), size: random.between(0, 9_999) } }),
  (known, random) => ({
    k: 'file.give',
    b: { ...contentOf(known, random), at: 0, data: randomBytes(random.between(0, 300), random).toString('base64') },
  }),
  (_, random) => ({ k: 'schedules.held', b: { hash: randomBytes(8, random).toString('hex') } }),
  (_, random) => ({
    k: 'samples',
    b: { series: newId(), samples: Array.from({ length: random.between(1, 20) }, () => sampleOf(random)) },
  }),
  () => ({ k: 'heartbeat', b: {} }),
]

/** Ways to be hostile, each with its share of a hundred. */
const ways: readonly (readonly [share: number, make: Make])[] = [
  // A real message, changed, under our own token: the schema alone stands in between.
  [
    28,
    ({ recorded, token }, random) => [
      Buffer.from(mutatedJson(withToken(parsed(random.pick(recorded)), token), random)),
    ],
  ],
  // The same with the token of the session it was recorded in.
  [10, ({ recorded }, random) => [Buffer.from(mutatedJson(parsed(random.pick(recorded)), random))]],
  [16, ({ recorded }, random) => [mutatedBytes(random.pick(recorded), random.pick(recorded), random)]],
  // Replayed as it was said.
  [10, ({ recorded }, random) => [random.pick(recorded)]],
  [
    10,
    (_, random) => [
      randomBytes(random.between(1, oneInBig) === 1 ? random.pick(bigBytes) : random.between(0, 600), random),
    ],
  ],
  [
    6,
    ({ recorded }, random) =>
      Array.from({ length: random.between(2, 6) }, () =>
        random.between(0, 2) === 0 ? Buffer.alloc(0) : random.pick(recorded),
      ),
  ],
  [8, (known, random) => [text(withToken({ v: 1, ...(random.pick(claims)(known, random) as object) }, known.token))]],
  [
    8,
    ({ token }, random) => [
      text(
        withToken(
          {
            k: random.pick([...kinds, ...nastyTexts]),
            v: random.pick([0, 1, 2, -1, '1', null, 1e308]),
            b: nastyValue(random),
          },
          random.pick([token, 'x'.repeat(43), undefined]),
        ),
      ),
    ],
  ],
  [4, (_, random) => [Buffer.from(withMarkers(JSON.stringify(nastyValue(random))))]],
]
const hundred = ways.flatMap(([share, make]) => Array.from({ length: share }, () => make))

/** The frames of the next message. */
export const nextMessage = (known: Known, random: Random): readonly Buffer[] => random.pick(hundred)(known, random)

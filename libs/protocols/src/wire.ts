import { Type } from 'typebox'
import { Keyset } from './enrolment.ts'
import { chunksMax, FileHash, fileLimits, FileSize } from './file.ts'
import { hostAddressesMax, IpAddress, Name } from './names.ts'
import { Id } from './ids.ts'
import { message, protocol, type Decoded } from './message.ts'
import { ModuleHash, moduleLimits } from './module.ts'
import { CallResult } from './outcome.ts'
import { AgentSchedule, Sample, sampleLimits, SchedulesHash } from './sampling.ts'
import { signParts, verifyParts, type SigningKeys } from './signing.ts'

const Nonce = Type.String({ minLength: 22, maxLength: 64 })
const Ids = Type.Array(Id, { maxItems: 10_000 })
const Reason = Type.String({ maxLength: 512 })

/** Limits of the wire, stated once. Bytes and counts. */
export const wireLimits = {
  messageBytesMax: 1_048_576,
  inputBytesMax: 262_144,
  outputBytesMax: 524_288,
  outputPullBytesMax: 131_072,
  outputChunkBytesMax: 49_152,
  helloTimeoutMs: 5_000,
  heartbeatMs: 5_000,
  heartbeatsMissedMax: 3,
  callsPerAgentMax: 1_000,
} as const

export const helloStart = message({
  kind: 'hello.start',
  version: 1,
  doc: 'The agent names itself and asks for a challenge.',
  body: Type.Object({
    agent: Id,
    boot: Id,
    nonce: Nonce,
    versions: Type.Array(Type.Integer(), { minItems: 1, maxItems: 8 }),
  }),
})
export const helloProof = message({
  kind: 'hello.proof',
  version: 1,
  doc: "The agent's signature over the whole exchange (see helloParts), and what it is.",
  body: Type.Object({
    signature: Type.String({ maxLength: 128 }),
    journalCounter: Type.Integer({ minimum: 0 }),
    name: Name,
    pid: Type.Integer({ minimum: 1 }),
    version: Type.String({ maxLength: 32 }),
    addresses: Type.Optional(
      Type.Array(IpAddress, { maxItems: hostAddressesMax, description: "of the host's network interfaces" }),
    ),
  }),
})
export const agentHeartbeat = message({
  kind: 'heartbeat',
  version: 1,
  doc: 'The other side is alive, its event loop included. Sent both ways every heartbeatMs.',
  body: Type.Object({}),
})
export const callAcked = message({
  kind: 'call.acked',
  version: 1,
  doc: 'Journalled (synced unless it only reads), ring space reserved; it starts now, or waits for a slot on the host.',
  body: Type.Object({ id: Id, running: Type.Boolean() }),
})
export const callRunning = message({
  kind: 'call.running',
  version: 1,
  doc: 'A call that was acknowledged while waiting has started.',
  body: Type.Object({ id: Id }),
})
export const callResult = message({
  kind: 'call.result',
  version: 1,
  doc: 'The terminal answer; repeated on every session until it is settled. With `acked` it is the acknowledgement as well: of a call that only reads and ended in the turn it began.',
  body: Type.Object({
    id: Id,
    ms: Type.Number({ minimum: 0 }),
    result: CallResult,
    acked: Type.Optional(Type.Literal(true)),
  }),
})
export const callReport = message({
  kind: 'call.report',
  version: 1,
  doc: 'Answer to call.ask. `unknown` voids the id for good: a later call with it is refused.',
  body: Type.Object({
    calls: Type.Array(
      Type.Object({
        id: Id,
        state: Type.Union([
          Type.Literal('waiting'),
          Type.Literal('running'),
          Type.Literal('finished'),
          Type.Literal('lost'),
          Type.Literal('unknown'),
        ]),
      }),
      { maxItems: 10_000 },
    ),
  }),
})
export const modulePull = message({
  kind: 'module.pull',
  version: 1,
  doc: 'The agent has a call of this live module and does not hold it. Asked again while no part comes.',
  body: Type.Object({ hash: ModuleHash }),
})
const OutputOf = {
  id: Id,
  stream: Type.Enum(['stdout', 'stderr']),
  reader: Type.Integer({ minimum: 0, description: 'whose pull it is; a newer one of the same reader replaces it' }),
  at: Type.Integer({ minimum: 0, description: 'bytes from the beginning of the stream' }),
}
export const outputChunk = message({
  kind: 'output.chunk',
  version: 1,
  doc: 'Answer to output.pull, behind everything else there is to say. With `end` nothing follows: it is whole, was cut at the limit on disk, or is not kept apart from its result.',
  body: Type.Object({
    ...OutputOf,
    data: Type.String({ maxLength: (wireLimits.outputChunkBytesMax / 3) * 4, description: 'base64' }),
    end: Type.Optional(Type.Enum(['whole', 'cut', 'gone'])),
  }),
})
const partsMax = fileLimits.chunkBytes / fileLimits.partBytes
const FilePart = Type.String({ maxLength: (fileLimits.partBytes / 3) * 4, description: 'base64' })
const Chunk = Type.Integer({ minimum: 0, maximum: chunksMax - 1 })
export const fileOpen = message({
  kind: 'file.open',
  version: 1,
  doc: 'This call wants a content from a byte on; `prefix` is the hash of what comes before, which the host has already.',
  body: Type.Object({ call: Id, hash: FileHash, from: FileSize, prefix: Type.Optional(FileHash) }),
})
export const filePull = message({
  kind: 'file.pull',
  version: 1,
  doc: 'A chunk of a content that was opened in this session. Asking is the credit: nothing comes that was not asked for.',
  body: Type.Object({ call: Id, hash: FileHash, chunk: Chunk }),
})
export const fileOffer = message({
  kind: 'file.offer',
  version: 1,
  doc: 'This call has a content to give. Said again while nothing comes.',
  body: Type.Object({ call: Id, hash: FileHash, size: FileSize }),
})
export const fileGive = message({
  kind: 'file.give',
  version: 1,
  doc: 'A piece of a content that was accepted, behind control messages; at most two chunks are under way.',
  body: Type.Object({ call: Id, hash: FileHash, at: FileSize, data: FilePart }),
})
export const schedulesHeld = message({
  kind: 'schedules.held',
  version: 1,
  doc: 'At the beginning of a session, by an agent that samples by itself: which list of schedules it holds.',
  body: Type.Object({ hash: SchedulesHash }),
})
export const samples = message({
  kind: 'samples',
  version: 1,
  doc: 'What was sampled since the last ones that were taken, in order; said again until samples.taken. One message at a time is under way.',
  body: Type.Object({
    series: Id,
    samples: Type.Array(Sample, { minItems: 1, maxItems: sampleLimits.perMessageMax }),
  }),
})
export const goodbye = message({
  kind: 'goodbye',
  version: 1,
  doc: 'The agent stops in good order.',
  body: Type.Object({ reason: Reason }),
})

export const helloChallenge = message({
  kind: 'hello.challenge',
  version: 1,
  doc: "The broker's nonce and name.",
  body: Type.Object({ broker: Id, serverKey: Type.String({ maxLength: 64 }), nonce: Nonce, version: Type.Integer() }),
})
export const helloWelcome = message({
  kind: 'hello.welcome',
  version: 1,
  doc: 'The session: its token goes into every later message. `at` is the time that expiries are judged by.',
  body: Type.Object({
    token: Type.String({ minLength: 43, maxLength: 43 }),
    epoch: Type.Integer({ minimum: 1 }),
    at: Type.Integer({ description: "the broker's clock, ms since 1970" }),
    heartbeatMs: Type.Integer({ minimum: 100 }),
    keyset: Keyset,
  }),
})
export const helloRefused = message({
  kind: 'hello.refused',
  version: 1,
  doc: 'No session. With `retry` the agent tries again later; without, its identity is not accepted any more.',
  body: Type.Object({ reason: Reason, retry: Type.Boolean() }),
})
export const brokerHeartbeat = message({ ...agentHeartbeat, doc: 'As the agent’s, the other way.' })
export const call = message({
  kind: 'call',
  version: 1,
  doc: 'Do this once. Times are durations; the agent enforces the limits.',
  body: Type.Object({
    id: Id,
    operation: Type.String({ maxLength: 128 }),
    module: Type.Optional(ModuleHash),
    input: Type.Unknown(),
    timeoutMs: Type.Integer({ minimum: 1, maximum: 86_400_000 }),
    outputBytesMax: Type.Integer({ minimum: 0 }),
    requestId: Type.String({ maxLength: 64, description: 'travels into the logs of all three services' }),
    settled: Type.Optional(
      Type.Array(Id, { maxItems: 100, description: 'results of earlier calls that are committed, as in call.settled' }),
    ),
  }),
})
export const callCancel = message({
  kind: 'call.cancel',
  version: 1,
  doc: 'Kill its process group and answer with a result `cancelled`; of an unknown id: void it.',
  body: Type.Object({ id: Id }),
})
export const callSettled = message({
  kind: 'call.settled',
  version: 1,
  doc: 'These results are committed; the ring may drop them.',
  body: Type.Object({ ids: Ids }),
})
export const callAsk = message({
  kind: 'call.ask',
  version: 1,
  doc: 'What became of these calls, sent in an earlier session and never acknowledged? With `again` their results, if there are any, are repeated: who asks is another service than the one they were given to.',
  body: Type.Object({ ids: Ids, again: Type.Optional(Type.Literal(true)) }),
})
export const modulePart = message({
  kind: 'module.part',
  version: 1,
  doc: 'A piece of the signed module (JSON, UTF-8), behind control messages; `of` pieces make it whole. Answer to module.pull; a small module in one piece also comes by itself, ahead of the first call of it in a session.',
  body: Type.Object({
    hash: ModuleHash,
    part: Type.Integer({ minimum: 0, maximum: moduleLimits.partsMax - 1 }),
    of: Type.Integer({ minimum: 1, maximum: moduleLimits.partsMax }),
    data: Type.String({ maxLength: (moduleLimits.partBytesMax / 3) * 4, description: 'base64' }),
  }),
})
export const moduleRefused = message({
  kind: 'module.refused',
  version: 1,
  doc: 'Answer to module.pull: there is no such module, or it is revoked.',
  body: Type.Object({ hash: ModuleHash, reason: Reason }),
})
export const moduleRevoked = message({
  kind: 'module.revoked',
  version: 1,
  doc: 'These modules must not run any more: what runs of them is ended, what is kept of them is removed.',
  body: Type.Object({ hashes: Type.Array(ModuleHash, { maxItems: 256 }) }),
})
export const outputPull = message({
  kind: 'output.pull',
  version: 1,
  doc: 'Say what the process of this call wrote: credit for so many bytes. With `wait` the agent waits for them while the process runs; without, an empty chunk says that there are no more yet.',
  body: Type.Object({
    ...OutputOf,
    bytes: Type.Integer({ minimum: 1, maximum: wireLimits.outputPullBytesMax }),
    wait: Type.Boolean(),
  }),
})
export const fileOpened = message({
  kind: 'file.opened',
  version: 1,
  doc: 'Answer to file.open: where the content goes on from (0 when the prefix is another), and its size.',
  body: Type.Object({ call: Id, hash: FileHash, from: FileSize, size: FileSize }),
})
export const filePart = message({
  kind: 'file.part',
  version: 1,
  doc: 'Answer to file.pull: a piece of the chunk, behind control messages; `of` pieces make it whole.',
  body: Type.Object({
    hash: FileHash,
    chunk: Chunk,
    part: Type.Integer({ minimum: 0, maximum: partsMax - 1 }),
    of: Type.Integer({ minimum: 1, maximum: partsMax }),
    data: FilePart,
  }),
})
export const fileAccepted = message({
  kind: 'file.accepted',
  version: 1,
  doc: 'Answer to file.offer: where to go on from; `size` when the whole is here already.',
  body: Type.Object({ call: Id, hash: FileHash, from: FileSize }),
})
export const fileTaken = message({
  kind: 'file.taken',
  version: 1,
  doc: 'Answer to file.give: what comes before this byte is stored; with `done` the whole is, and is what its hash says.',
  body: Type.Object({ call: Id, hash: FileHash, at: FileSize, done: Type.Boolean() }),
})
export const fileRefused = message({
  kind: 'file.refused',
  version: 1,
  doc: 'Answer to any of the agent’s: why not.',
  body: Type.Object({ call: Id, hash: FileHash, reason: Reason }),
})
export const keysetPublished = message({
  kind: 'keyset',
  version: 1,
  doc: 'A newer keyset, to whoever has a session when it is published; others have it by their next welcome, or over HTTP.',
  body: Type.Object({ keyset: Keyset, at: Type.Integer({ description: "the broker's clock, ms since 1970" }) }),
})
export const schedulesSet = message({
  kind: 'schedules.set',
  version: 1,
  doc: 'What this agent samples by itself from now on, all of it; it goes on while it has no session, and after its restart.',
  body: Type.Object({
    hash: SchedulesHash,
    schedules: Type.Array(AgentSchedule, { maxItems: sampleLimits.schedulesPerAgentMax }),
  }),
})
export const samplesTaken = message({
  kind: 'samples.taken',
  version: 1,
  doc: 'All samples of the series up to this number are committed; the agent forgets them.',
  body: Type.Object({ series: Id, upTo: Type.Integer({ minimum: 0 }) }),
})
export const sessionEnd = message({
  kind: 'session.end',
  version: 1,
  doc: 'The session is over (revoked, superseded, broker stopping).',
  body: Type.Object({ reason: Reason, retry: Type.Boolean() }),
})

/** What agents say. */
export const fromAgent = protocol(
  helloStart,
  helloProof,
  agentHeartbeat,
  callAcked,
  callRunning,
  callResult,
  callReport,
  modulePull,
  schedulesHeld,
  samples,
  outputChunk,
  fileOpen,
  filePull,
  fileOffer,
  fileGive,
  goodbye,
)
export type FromAgent = Decoded<(typeof fromAgent.messages)[number]>

/** What brokers say. */
export const fromBroker = protocol(
  helloChallenge,
  helloWelcome,
  helloRefused,
  brokerHeartbeat,
  call,
  callCancel,
  callSettled,
  callAsk,
  modulePart,
  moduleRefused,
  moduleRevoked,
  outputPull,
  fileOpened,
  filePart,
  fileAccepted,
  fileTaken,
  fileRefused,
  keysetPublished,
  schedulesSet,
  samplesTaken,
  sessionEnd,
)
export type FromBroker = Decoded<(typeof fromBroker.messages)[number]>

export type HelloFacts = {
  broker: string
  serverKey: string
  agent: string
  agentKey: string
  agentNonce: string
  brokerNonce: string
  boot: string
  version: number
  journalCounter: number
}
const helloParts = (h: HelloFacts) => [
  're-ops hello v1',
  h.broker,
  h.serverKey,
  h.agent,
  h.agentKey,
  h.agentNonce,
  h.brokerNonce,
  h.boot,
  h.version,
  h.journalCounter,
]
/** The agent's proof that it holds the enrolled ed25519 key, bound to this broker, both nonces and this boot. */
export const signHello = (keys: SigningKeys, hello: HelloFacts): string => signParts(keys, helloParts(hello))
export const helloIsGenuine = (publicKey: string, hello: HelloFacts, signature: string): boolean =>
  verifyParts(publicKey, helloParts(hello), signature)

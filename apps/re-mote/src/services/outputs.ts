import type { Outputs, Part, StreamName } from '@re-ops/outputs'
import { wireLimits, type TransportName } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { CallSays, OutputChunk } from '../broker/words.ts'

export type OutputsDeps = {
  /** Outputs of calls over SSH, which are kept by this service. */
  readonly ssh: Pick<Outputs, 'next'>
  epochOf(host: string): number | undefined
  send(host: string, epoch: number, messages: readonly CallSays[]): void
}
export type ReadFrom = {
  readonly host: string
  readonly transport: TransportName
  readonly call: string
  readonly stream: StreamName
  readonly at: number
  /** Wait for what the process has not written yet. */
  readonly follow: boolean
}
/** Reads what processes of calls write, on hosts and here. */
export type OutputReaders = {
  /** Ends with a part that has `end`, or, without `follow`, when there is no more yet. Throws 503 when the host cannot be asked. */
  read(from: ReadFrom, signal: AbortSignal): AsyncGenerator<Part>
  onChunk(host: string, chunk: OutputChunk): void
}

/** Each reader holds the credit of one pull, so this bounds what may be on its way: 16 MiB. */
const readersMax = 128
/** More than a pull can bring. */
const partsMax = 16
/** An agent that was restarted, or is on another connection, does not know of a pull any more. */
const askAgainMs = 5_000
const silentMs = 30_000

type Reader = { readonly host: string; readonly parts: (Part & { readonly at: number })[]; wake(): void }

const busy = () =>
  new HttpProblem(503, 'too-many-readers', 'Too many readers', `${readersMax} outputs are being read; try again`, {
    retryAfterMs: 1_000,
  })
const away = (host: string) =>
  new HttpProblem(503, 'host-away', 'Host is away', `host ${host} has no session; its output is read when it is back`, {
    retryAfterMs: 5_000,
  })

/** Asks agents for outputs under credit, and gives what they answer to who reads. */
export const makeOutputReaders = ({ ssh, epochOf, send }: OutputsDeps): OutputReaders => {
  const readers = new Map<number, Reader>()
  let lastReader = 0

  /** Waits for the next chunk of a reader; false after a while without. */
  const arrived = (reader: Reader, signal: AbortSignal): Promise<boolean> =>
    new Promise(resolve => {
      const done = (came: boolean) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        reader.wake = () => undefined
        resolve(came)
      }
      const stop = () => done(false)
      const timer = setTimeout(stop, askAgainMs)
      signal.addEventListener('abort', stop)
      reader.wake = () => done(true)
      if (reader.parts.length > 0) done(true)
      else if (signal.aborted) stop()
    })

  async function* fromAgent({ host, call, stream, follow, at: from }: ReadFrom, signal: AbortSignal) {
    if (readers.size >= readersMax) throw busy()
    const number = (lastReader += 1)
    const reader: Reader = { host, parts: [], wake: () => undefined }
    readers.set(number, reader)
    try {
      let [at, credit, awaySince] = [from, 0, 0]
      while (!signal.aborted) {
        const part = reader.parts.shift()
        if (part) {
          if (part.at !== at) continue // answered twice: the pull was repeated
          at += part.bytes.length
          credit -= part.bytes.length
          yield part
          if (part.end !== undefined || (!follow && part.bytes.length === 0)) return
          continue
        }
        const epoch = epochOf(host)
        if (epoch !== undefined) awaySince = 0
        else if (awaySince === 0) awaySince = performance.now()
        else if (!follow || performance.now() - awaySince > silentMs) throw away(host)
        if (epoch === undefined && !follow) throw away(host)
        if (credit <= 0 && epoch !== undefined) {
          credit = wireLimits.outputPullBytesMax
          const body = { id: call, stream, reader: number, at, bytes: credit, wait: follow }
          send(host, epoch, [{ kind: 'output.pull', body }])
        }
        if (!(await arrived(reader, signal))) credit = 0
      }
    } finally {
      readers.delete(number)
    }
  }
  async function* fromHere({ call, stream, follow, at: from }: ReadFrom, first: Part, signal: AbortSignal) {
    let at = from
    for (let part = first; ;) {
      at += part.bytes.length
      yield part
      if (signal.aborted || part.end !== undefined || (!follow && part.bytes.length === 0)) return
      part = await ssh.next(call, stream, at, wireLimits.outputPullBytesMax, follow ? signal : AbortSignal.abort())
    }
  }
  return {
    read: async function* (from, signal) {
      const { call, stream, at, follow } = from
      const bytesMax = wireLimits.outputPullBytesMax
      const here = await ssh.next(call, stream, at, bytesMax, follow ? signal : AbortSignal.abort())
      // A step may have taken the other transport than its host's own.
      if (here.end !== 'gone' || from.transport === 'ssh') yield* fromHere(from, here, signal)
      else yield* fromAgent(from, signal)
    },
    onChunk: (host, { reader: number, at, data, end }) => {
      const reader = readers.get(number)
      if (!reader || reader.host !== host || reader.parts.length >= partsMax) return // nobody reads it, or nobody asked
      reader.parts.push({ at, bytes: Buffer.from(data, 'base64'), ...(end === undefined ? {} : { end }) })
      reader.wake()
    },
  }
}

import { makeCollector, type Collector } from './collector.ts'
import type { Spool } from './spool.ts'

export const streamNames = ['stdout', 'stderr'] as const
export type StreamName = (typeof streamNames)[number]
export type Streams = Readonly<Record<StreamName, Collector>>

/** Bytes of a stream. With `end` nothing follows: it is whole, was cut at the limit, or is not kept here (its result has it, or nobody has). */
export type Part = { readonly bytes: Uint8Array; readonly end?: 'whole' | 'cut' | 'gone' }

/** What the processes of calls write: readable while they run, and afterwards when it is longer than a result. */
export type Outputs = {
  /** Takes the streams of a call's process; `bytesMax` of each go into its result. */
  begin(call: string, bytesMax: number): Streams
  /** The process has ended. Answers whether its output is longer than the result (`isLong`: the result takes even less) and can be read here. */
  end(call: string, isLong?: boolean): Promise<boolean>
  /** The bytes from `at` on; waits while the process runs and has written no more. At the end of `signal` it answers with none. */
  next(call: string, stream: StreamName, at: number, bytesMax: number, signal: AbortSignal): Promise<Part>
  close(): void
}

/** Outputs that somebody reads while they grow stay a little, so that the reader gets the rest. */
const followedMs = 10_000
const followedMax = 16

type Running = { readonly streams: Streams; followed: boolean; leaving?: NodeJS.Timeout }

/** `openSpool` is called when the first output is longer than memory may hold. Without it what is longer is dropped. */
export const makeOutputs = (openSpool?: () => Promise<Spool>): Outputs => {
  const running = new Map<string, Running>()
  const left = new Set<string>()
  let spool: Promise<Spool> | undefined
  const spoolOf = () => (spool ??= openSpool?.())
  const forget = (call: string) => {
    clearTimeout(running.get(call)?.leaving)
    running.delete(call)
    left.delete(call)
  }
  const leave = (call: string, one: Running) => {
    if (!one.followed) return forget(call)
    one.leaving = setTimeout(() => forget(call), followedMs)
    one.leaving.unref()
    left.add(call)
    const [oldest] = left
    if (left.size > followedMax && oldest !== undefined) forget(oldest)
  }
  const collector = (call: string, stream: StreamName, bytesMax: number) =>
    makeCollector(bytesMax, openSpool && (async () => ((await spoolOf()) as Spool).open(call, stream)))
  const more = (source: Collector, signal: AbortSignal): Promise<void> =>
    new Promise(resolve => {
      const stop = () => {
        signal.removeEventListener('abort', stop)
        resolve()
      }
      signal.addEventListener('abort', stop)
      source.onMore(stop)
      if (signal.aborted) stop()
    })
  return {
    begin: (call, bytesMax) => {
      const streams = { stdout: collector(call, 'stdout', bytesMax), stderr: collector(call, 'stderr', bytesMax) }
      running.set(call, { streams, followed: false })
      return streams
    },
    end: async (call, asked = false) => {
      const one = running.get(call)
      if (!one || one.leaving !== undefined) return false
      const { stdout, stderr } = one.streams
      const isLong = openSpool !== undefined && (asked || stdout.truncated || stderr.truncated)
      if (isLong) await Promise.all([stdout.spill(), stderr.spill()])
      if (isLong) forget(call)
      else leave(call, one)
      return isLong
    },
    next: async (call, stream, at, bytesMax, signal) => {
      const one = running.get(call)
      if (!one) {
        const kept = await (await spoolOf())?.find(call, stream)
        if (!kept) return { bytes: none, end: 'gone' }
        const bytes = await kept.read(at, bytesMax)
        return at + bytes.length < kept.size ? { bytes } : { bytes, end: kept.cut ? 'cut' : 'whole' }
      }
      one.followed = true
      const source = one.streams[stream]
      while (source.size <= at && !source.ended && !signal.aborted) await more(source, signal)
      const bytes = await source.read(at, bytesMax)
      return source.ended && at + bytes.length >= source.size ? { bytes, end: source.cut ? 'cut' : 'whole' } : { bytes }
    },
    close: () => {
      for (const { leaving } of running.values()) clearTimeout(leaving)
      running.clear()
    },
  }
}
const none = new Uint8Array()
